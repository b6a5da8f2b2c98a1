import Synchronization

/// Remembers which encoders could not be opened, so that a device that is missing is not looked for by each rung anew.
package final class EncoderProbes: Sendable {
    /// Words of that many apps, and sizes of their rungs; beyond, all are tried again.
    private static let countMax = 256
    /// A device may be there again.
    private static let lifetime = Duration.seconds(60)
    /// Small, and more than the 64 columns some encoders want.
    private static let probeSize = PictureSize(width: 256, height: 144)
    private static let probeBitsPerSecond = 300_000

    private struct Key: Hashable {
        var words: EncoderWords
        var isInOrder: Bool
        /// Nil: whatever the size.
        var size: PictureSize?
    }

    private struct Refusal {
        var error: CodecPortError
        var until: ContinuousClock.Instant
    }

    private let refusals = Mutex<[Key: Refusal]>([:])

    package init() {}

    /// Opens a small one, unless that has failed lately. Waits for the library: on a thread of its own.
    package func probe(_ words: EncoderWords, by codecs: some VideoCodecs) throws(CodecPortError) {
        let key = Key(words: words, isInOrder: false, size: nil)
        if let error = refusal(of: key) { throw error }
        var settings = VideoEncoderSettings(
            encoder: words.encoder,
            size: Self.probeSize,
            bitsPerSecond: Self.probeBitsPerSecond,
            framesPerSecond: 30
        )
        settings.speed = words.speed
        _ = try noting(key) { () throws(CodecPortError) in try codecs.encoder(settings) }
    }

    /// Opens one for a rung, unless such a one, or any of its name, has failed lately.
    func open<Codecs: VideoCodecs>(
        _ settings: VideoEncoderSettings,
        by codecs: Codecs
    ) throws(CodecPortError) -> any VideoEncoding<Codecs.Picture> {
        let words = EncoderWords(encoder: settings.encoder, speed: settings.speed)
        let key = Key(words: words, isInOrder: settings.isInOrder, size: settings.size)
        let known = refusal(of: key) ?? refusal(of: Key(words: words, isInOrder: false, size: nil))
        if let known { throw known }
        return try noting(key) { () throws(CodecPortError) in try codecs.encoder(settings) }
    }

    private func refusal(of key: Key) -> CodecPortError? {
        let now = ContinuousClock.now
        return refusals.withLock { $0[key].flatMap { $0.until > now ? $0.error : nil } }
    }

    private func noting<Value>(
        _ key: Key,
        _ body: () throws(CodecPortError) -> Value
    ) throws(CodecPortError) -> Value {
        do throws(CodecPortError) {
            let value = try body()
            refusals.withLock { _ = $0.removeValue(forKey: key) }
            return value
        } catch {
            let until = ContinuousClock.now + Self.lifetime
            refusals.withLock { refusals in
                if refusals.count >= Self.countMax { refusals.removeAll() }
                refusals[key] = Refusal(error: error, until: until)
            }
            throw error
        }
    }
}
