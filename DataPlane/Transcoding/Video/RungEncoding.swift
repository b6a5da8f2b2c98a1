import MediaModel
import Timebase

/// The scaler and encoder of one rung, made anew when the shape of the source changes. Lives on the rung's thread.
final class RungEncoding<Codecs: VideoCodecs> {
    private var rendition: Rendition
    private var sourceSize: PictureSize?
    private var scaler: (any VideoScaling<Codecs.Picture>)?
    private var encoder: (any VideoEncoding<Codecs.Picture>)?
    private var lastDecodeTime: MediaTime?
    private let codecs: Codecs
    private let options: VideoEncodingOptions
    private let output: @Sendable (TranscodeOutput) -> Void

    init(
        _ rendition: Rendition,
        codecs: Codecs,
        options: VideoEncodingOptions,
        output: @escaping @Sendable (TranscodeOutput) -> Void
    ) {
        self.rendition = rendition
        self.codecs = codecs
        self.options = options
        self.output = output
    }

    func encode(_ picture: Codecs.Picture, isKeyframe: Bool) throws(CodecPortError) {
        if picture.size != sourceSize { try fit(to: picture.size) }
        let isFirst = encoder == nil
        let encoder = try readyEncoder()
        guard let scaled = try scaler?.scale(picture) else { return }
        send(try encoder.encode(scaled, asKeyframe: isKeyframe || isFirst))
    }

    func finish() throws(CodecPortError) {
        guard let encoder else { return }
        self.encoder = nil
        send(try encoder.finish())
    }

    private func fit(to source: PictureSize) throws(CodecPortError) {
        let fitted = rendition.fitted(to: source)
        if scaler == nil || fitted.size != rendition.size {
            try finish()
            scaler = try codecs.scaler(to: fitted.size)
        }
        rendition = fitted
        sourceSize = source
    }

    private func readyEncoder() throws(CodecPortError) -> any VideoEncoding<Codecs.Picture> {
        if let encoder { return encoder }
        let made = try codecs.encoder(options.settings(for: rendition))
        encoder = made
        output(.codec(made.codec, of: rendition.name))
        return made
    }

    private func send(_ pictures: [EncodedPicture]) {
        for var picture in pictures {
            picture.decodeTime = decodeTime(for: picture)
            output(.picture(picture, of: rendition.name))
        }
    }

    /// Encoders that reorder begin before the first picture they are given: not before the stream's beginning, though, nor
    /// before what a former encoder of this rung has sent.
    private func decodeTime(for picture: EncodedPicture) -> MediaTime {
        let earliest = lastDecodeTime.map { $0 + MediaTime(ticks: 1) } ?? .zero
        let time = max(picture.decodeTime, earliest)
        lastDecodeTime = time
        return time
    }
}
