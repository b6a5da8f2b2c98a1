import Bytes
import FLV
import MediaModel

/// What the client says of itself in `connect`, as far as it changes what we do.
package struct PeerCapabilities: Hashable, Sendable {
    /// `fourCcList` of Enhanced RTMP; empty from a client that does not speak it. `*` means every codec.
    package var fourCCs: [String] = []
    /// `capsEx` bit 0: the client can move to another server when it gets a ReconnectRequest.
    package var supportsReconnect = false
    /// `flashVer`: what program it is, for logs. Cut to a sane length.
    package var program = ""

    package init() {}

    init(connect object: AMF0Object) {
        if case .strictArray(let codes)? = object["fourCcList"] { fourCCs = codes.prefix(32).compactMap(\.string) }
        let capsEx = object["capsEx"]?.number ?? 0
        supportsReconnect = Int64(exactly: capsEx.rounded(.towardZero)).map { $0 & 1 != 0 } ?? false
        program = String((object["flashVer"]?.string ?? "").prefix(64))
    }

    /// The Enhanced RTMP part of our answer to `connect`. We neither decode nor encode: bit 2 alone says that we forward.
    static var ours: AMF0Object {
        let canForward: Double = 4
        var video = AMF0Object()
        var audio = AMF0Object()
        for codec in FLVCodec.allCases where codec != .vp9 {
            switch codec.kind {
            case .video: video.append(codec.fourCC.description, .number(canForward))
            case .audio: audio.append(codec.fourCC.description, .number(canForward))
            case .data: continue
            }
        }
        let names = (video.properties + audio.properties).map { AMF0Value.string($0.name) }
        return [
            "fourCcList": .strictArray(names),
            "videoFourCcInfoMap": .object(video),
            "audioFourCcInfoMap": .object(audio),
            // We skip ModEx (bit 2), but read neither multitrack (bit 1) nor its nanoseconds (bit 3).
            "capsEx": 4,
        ]
    }
}
