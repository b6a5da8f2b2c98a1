package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

// What the pipeline asks of a codec library. Decoders, scalers and encoders are made, used and dropped on one thread.

package struct PictureSize: Hashable, Sendable {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    package var pixels: Int { width * height }
}

/// What the numbers of a picture mean, by the code points of ISO/IEC 23091-2. The range is none of it: what is encoded always
/// has the limited one.
package struct PictureColours: Hashable, Sendable {
    package var primaries: UInt8
    package var transfer: UInt8
    package var matrix: UInt8

    package static let unspecified = PictureColours(primaries: 2, transfer: 2, matrix: 2)

    package init(primaries: UInt8, transfer: UInt8, matrix: UInt8) {
        self.primaries = primaries
        self.transfer = transfer
        self.matrix = matrix
    }

    /// PQ (SMPTE ST 2084) or HLG (ARIB STD-B67).
    package var isHighDynamicRange: Bool { transfer == 16 || transfer == 18 }
}

/// A decoded picture. Immutable, so that all rungs share it.
package protocol VideoPicture: Sendable {
    var presentationTime: MediaTime { get }
    var size: PictureSize { get }
    /// In square pixels.
    var displaySize: PictureSize { get }
    var colours: PictureColours { get }
}

package protocol VideoDecoding<Picture>: AnyObject {
    associatedtype Picture: VideoPicture
    /// The pictures that are complete with `unit`, in the order of showing.
    func decode(_ unit: AccessUnit) throws(CodecPortError) -> [Picture]
    /// Those still held back for reordering. Nothing can be decoded afterwards.
    func finish() -> [Picture]
}

package protocol VideoScaling<Picture>: AnyObject {
    associatedtype Picture: VideoPicture
    /// The picture in the scaler's size and in the format encoders take; itself when it already is.
    func scale(_ picture: Picture) throws(CodecPortError) -> Picture
}

package protocol VideoEncoding<Picture>: AnyObject {
    associatedtype Picture: VideoPicture
    var codec: CodecParameters { get }
    /// The pictures that are complete with this one, in the order of decoding.
    func encode(_ picture: Picture, asKeyframe: Bool) throws(CodecPortError) -> [EncodedPicture]
    func finish() throws(CodecPortError) -> [EncodedPicture]
}

package struct EncodedPicture: Hashable, Sendable {
    package var decodeTime: MediaTime
    package var presentationTime: MediaTime
    package var isKeyframe: Bool
    /// As `AccessUnit.payload`.
    package var payload: ByteBuffer

    package init(decodeTime: MediaTime, presentationTime: MediaTime, isKeyframe: Bool, payload: ByteBuffer) {
        self.decodeTime = decodeTime
        self.presentationTime = presentationTime
        self.isKeyframe = isKeyframe
        self.payload = payload
    }
}

package struct VideoEncoderSettings: Hashable, Sendable {
    /// The library's name for the encoder.
    package var encoder: String
    package var size: PictureSize
    package var bitsPerSecond: Int
    /// A hint for rate control; times come with the pictures.
    package var framesPerSecond: Double
    /// Pictures leave in the order of showing and at once, in a form that every WebRTC player takes.
    package var isInOrder = false
    /// Pictures are cut into slices that are no longer; libx264 does it.
    package var sliceBytesMax: Int?
    /// Speed against quality, in the encoder's own words; nil leaves the encoder's default.
    package var speed: String?
    package var threads = 1
    package var colours = PictureColours.unspecified

    package init(encoder: String, size: PictureSize, bitsPerSecond: Int, framesPerSecond: Double) {
        self.encoder = encoder
        self.size = size
        self.bitsPerSecond = bitsPerSecond
        self.framesPerSecond = framesPerSecond
    }
}

/// A library of video codecs.
package protocol VideoCodecs<Picture>: Sendable {
    associatedtype Picture: VideoPicture
    func decoder(for codec: CodecParameters) throws(CodecPortError) -> any VideoDecoding<Picture>
    func scaler(to size: PictureSize) throws(CodecPortError) -> any VideoScaling<Picture>
    func encoder(_ settings: VideoEncoderSettings) throws(CodecPortError) -> any VideoEncoding<Picture>
}

/// Why a codec library did not do what it was asked.
package enum CodecPortError: Error, Hashable, Sendable, CustomStringConvertible {
    case decoderMissing(codec: String)
    case encoderMissing(name: String)
    /// It is built in, and does not open: its device is missing, or it takes other words.
    case encoderUnusable(name: String, speed: String?, reason: String)
    /// A call into the library failed; `reason` is the library's text.
    case failed(operation: String, reason: String)
    /// The encoder's output is in no form the hub carries.
    case unusableOutput(encoder: String, reason: String)

    package var description: String {
        switch self {
        case .decoderMissing(let codec):
            "no decoder for \(codec) is built into this node's libavcodec; install one that has it"
        case .encoderMissing(let name):
            "the video encoder \(name) is not built into this node's libavcodec; see `ffmpeg -encoders` for those that are"
        case .encoderUnusable(let name, let speed, let reason):
            "the encoder \(name)\(speed.map { " with encoderSpeed \"\($0)\"" } ?? "") cannot be opened on this node "
                + "(\(reason)); see videoEncoder, encoderSpeed and fallbackEncoder in the app's settings"
        case .failed(let operation, let reason): "\(operation) failed: \(reason)"
        case .unusableOutput(let encoder, let reason): "what \(encoder) makes cannot be carried: \(reason)"
        }
    }
}
