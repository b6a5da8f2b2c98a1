/// Which encoder a node uses: the one wished for, or the one to fall back on.
package enum EncoderChoice {
    package struct Made: Hashable, Sendable {
        package var encoder: String
        /// The one wished for, when it is not there.
        package var missing: String?

        package init(encoder: String, missing: String? = nil) {
            self.encoder = encoder
            self.missing = missing
        }
    }

    package static func choose(
        _ wanted: String,
        fallback: String,
        isThere: (String) -> Bool
    ) throws(CodecPortError) -> Made {
        if isThere(wanted) { return Made(encoder: wanted) }
        guard !fallback.isEmpty, isThere(fallback) else { throw .encoderMissing(name: wanted) }
        return Made(encoder: fallback, missing: wanted)
    }
}
