package import ClusterModel

/// An encoder as an app's settings name it.
package struct EncoderWords: Hashable, Sendable {
    package var encoder: String
    package var speed: String?

    package init(encoder: String, speed: String? = nil) {
        self.encoder = encoder
        self.speed = speed
    }

    /// The one that cuts pictures into slices of so many bytes.
    package static func slicing(_ settings: AppSettings) -> [EncoderWords] {
        [EncoderWords(encoder: "libx264", speed: settings.speed(of: "libx264"))]
    }

    /// The one wished for, then the one to fall back on.
    package static func wanted(_ settings: AppSettings, isInOrder: Bool = false) -> [EncoderWords] {
        let wanted = isInOrder ? settings.inOrderEncoder : settings.videoEncoder
        let fallback = isInOrder && !settings.fallbackEncoder.isEmpty ? "libx264" : settings.fallbackEncoder
        return ([wanted] + (fallback.isEmpty || fallback == wanted ? [] : [fallback]))
            .map { EncoderWords(encoder: $0, speed: settings.speed(of: $0)) }
    }
}

/// Which encoder serves a rung.
package struct EncoderChoice: Hashable, Sendable {
    package var encoder: String
    /// Why the one wished for does not.
    package var refused: CodecPortError?
    /// Brightness beyond what 8 bits are made for goes into them as it is.
    package var isHighDynamicRange: Bool

    package init(encoder: String, refused: CodecPortError? = nil, isHighDynamicRange: Bool = false) {
        self.encoder = encoder
        self.refused = refused
        self.isHighDynamicRange = isHighDynamicRange
    }
}
