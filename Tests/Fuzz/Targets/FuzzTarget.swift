/// A function over bytes and the one sentence that must hold for all of them.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    /// Also the name of its folder in `Tests/Fuzz/Corpus`.
    package var name: String
    package var invariant: String
    package var run: @Sendable ([UInt8]) throws(FuzzViolation) -> Void

    package init(
        _ name: String,
        invariant: String,
        run: @escaping @Sendable ([UInt8]) throws(FuzzViolation) -> Void
    ) {
        self.name = name
        self.invariant = invariant
        self.run = run
    }

    package var description: String { name }

    /// Every target there is. A new one gets its own file, a line here, and a folder of inputs in the corpus.
    package static let all: [FuzzTarget] = [
        .aacHeaders,
        .amf0,
        .flv,
        .h264Headers,
        .hlsObjectName,
        .iceLiteAgent,
        .packedAudio,
        .relayFrame,
        .rtcp,
        .rtmpChunk,
        .rtmpHandshake,
        .rtmpMessage,
        .rtmpServerSession,
        .rtpDepacketizers,
        .rtpPacket,
        .sdp,
        .segmentIndex,
        .srtStreamID,
        .stun,
        .transportStream,
        .trickleFragment,
    ]
}

/// The sentence did not hold.
package struct FuzzViolation: Error, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ sentence: String) throws(FuzzViolation) {
    guard condition else { throw FuzzViolation(sentence) }
}
