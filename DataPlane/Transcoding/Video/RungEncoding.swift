import MediaModel
import Timebase

/// The scaler and encoder of one rung, made anew when shape or colours of the source change. Lives on the rung's thread.
final class RungEncoding<Codecs: VideoCodecs> {
    /// What of the source decides how the rung is encoded.
    private struct Look: Equatable {
        var size: PictureSize
        var displaySize: PictureSize
        var colours: PictureColours
    }

    private var rendition: Rendition
    private var source: Look?
    private var scaler: (any VideoScaling<Codecs.Picture>)?
    private var encoder: (any VideoEncoding<Codecs.Picture>)?
    private var lastDecodeTime: MediaTime?
    private let codecs: Codecs
    private let options: VideoEncodingOptions
    private let probes: EncoderProbes
    private let output: @Sendable (TranscodeOutput) -> Void

    init(
        _ rendition: Rendition,
        codecs: Codecs,
        options: VideoEncodingOptions,
        probes: EncoderProbes,
        output: @escaping @Sendable (TranscodeOutput) -> Void
    ) {
        self.rendition = rendition
        self.codecs = codecs
        self.options = options
        self.probes = probes
        self.output = output
    }

    func encode(_ picture: Codecs.Picture, isKeyframe: Bool) throws(CodecPortError) {
        let look = Look(size: picture.size, displaySize: picture.displaySize, colours: picture.colours)
        if look != source { try fit(to: look) }
        let isFirst = encoder == nil
        let encoder = try readyEncoder(picture.colours)
        guard let scaled = try scaler?.scale(picture) else { return }
        send(try encoder.encode(scaled, asKeyframe: isKeyframe || isFirst))
    }

    func finish() throws(CodecPortError) {
        guard let encoder else { return }
        self.encoder = nil
        send(try encoder.finish())
    }

    private func fit(to look: Look) throws(CodecPortError) {
        let fitted = rendition.fitted(to: look.displaySize)
        if scaler == nil || fitted.size != rendition.size || look.colours != source?.colours {
            try finish()
            scaler = try codecs.scaler(to: fitted.size)
        }
        rendition = fitted
        source = look
    }

    private func readyEncoder(_ colours: PictureColours) throws(CodecPortError) -> any VideoEncoding<Codecs.Picture> {
        if let encoder { return encoder }
        var refused: CodecPortError?
        for words in options.encoders {
            do throws(CodecPortError) {
                let made = try probes.open(options.settings(for: rendition, words, colours), by: codecs)
                encoder = made
                let choice = EncoderChoice(
                    encoder: words.encoder,
                    refused: refused,
                    isHighDynamicRange: colours.isHighDynamicRange
                )
                output(.encoder(choice, of: rendition.name))
                output(.codec(made.codec, of: rendition.name))
                return made
            } catch { refused = refused ?? error }
        }
        throw refused ?? .encoderMissing(name: "")
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
