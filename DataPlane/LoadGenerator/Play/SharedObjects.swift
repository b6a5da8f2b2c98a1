import NIOCore

/// What the players of a run need to work out only once: the same URI has the same bytes, and most playlists of one moment
/// are equal.
final class SharedObjects {
    private static let stampCountMax = 1000

    private var stamps: [String: SendStamp?] = [:]
    private var playlist: (bytes: ByteBuffer, parsed: Playlist)?

    /// Nil: not looked for yet; the inner nil: it has none.
    func stamp(of uri: String) -> SendStamp?? { stamps[uri] }

    func lookForStamp(in bytes: ByteBuffer, of uri: String) -> SendStamp? {
        if stamps.count >= Self.stampCountMax { stamps.removeAll() }
        let stamp = bytes.withUnsafeReadableBytes { SendStamp(lastIn: $0.bindMemory(to: UInt8.self).span) }
        stamps[uri] = .some(stamp)
        return stamp
    }

    func parse(_ bytes: ByteBuffer) -> Playlist {
        if let playlist, playlist.bytes == bytes { return playlist.parsed }
        let parsed = Playlist(String(buffer: bytes))
        playlist = (bytes, parsed)
        return parsed
    }
}
