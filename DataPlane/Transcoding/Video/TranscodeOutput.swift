package import MediaModel

/// What comes out of a pipeline, in order for each rendition.
package enum TranscodeOutput: Hashable, Sendable {
    /// Whenever an encoder was opened, before its parameters.
    case encoder(EncoderChoice, of: String)
    /// Before the first unit, and when the parameters change with the source's shape.
    case codec(CodecParameters, of: String)
    case picture(EncodedPicture, of: String)
    /// Nothing of this rendition follows.
    case ended(RenditionEnd, of: String)
}

package enum RenditionEnd: Hashable, Sendable {
    /// Asked for.
    case stopped
    /// The machine cannot keep up, and this was its highest rung.
    case overloaded
    case failed(CodecPortError)
}

package struct VideoEncodingOptions: Hashable, Sendable {
    /// Tried in this order.
    package var encoders: [EncoderWords]
    /// Of the source, as a hint.
    package var framesPerSecond: Double
    package var threadsMax: Int

    package init(encoders: [EncoderWords], framesPerSecond: Double = 30, threadsMax: Int = 1) {
        self.encoders = encoders
        self.framesPerSecond = framesPerSecond
        self.threadsMax = threadsMax
    }

    /// One thread keeps up with about this much; more of them only cost latency.
    private static let pixelsPerThread = 1_200_000

    func settings(for rendition: Rendition, _ words: EncoderWords, _ colours: PictureColours) -> VideoEncoderSettings {
        var settings = VideoEncoderSettings(
            encoder: words.encoder,
            size: rendition.size,
            bitsPerSecond: rendition.videoBitsPerSecond,
            framesPerSecond: framesPerSecond
        )
        settings.speed = words.speed
        settings.colours = colours
        settings.isInOrder = rendition.isInOrder
        settings.sliceBytesMax = rendition.sliceBytesMax
        settings.threads = min(max(1, threadsMax), 1 + rendition.size.pixels / Self.pixelsPerThread)
        return settings
    }
}

/// How one rung is doing.
package struct RungFigures: Hashable, Sendable {
    package var rendition: String
    /// Pictures that wait for the encoder.
    package var queueDepth: Int
    /// Seconds of media for a second of its thread's time at work: below 1 it cannot keep up. Nil before the first second.
    package var speed: Double?
    package var picturesDropped: Int
}
