package import struct NIOCore.ByteBuffer

/// Gives out a stream's HLS and DASH objects by name, on the stream's loop.
package protocol StreamObjects: AnyObject, Sendable {
    /// Answers once, now or later, on the stream's loop.
    func object(named name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void)
    /// What a late joiner must know of the segments before its pull; opaque to all but the packager.
    func segmentIndex() -> ByteBuffer?
}

package enum ObjectAnswer: Sendable {
    /// The object's bytes, in pieces that share storage with the packager.
    case bytes([ByteBuffer])
    case missing
}
