import Bytes
package import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// The header extensions we know, by the URI that `a=extmap` names.
package enum HeaderExtensionKind: String, CaseIterable, Hashable, Sendable {
    /// RFC 9143 §16.1: which media section of the description the packet belongs to.
    case mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    /// RFC 8852 §3.1: which encoding of a simulcast.
    case rid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    /// RFC 8852 §3.2: which encoding an RTX packet repairs.
    case repairedRid = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    case absoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 §2.
    case transportSequence = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    case absoluteCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    case playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
}

/// What the known extensions of one packet say.
package struct HeaderExtensions: Hashable, Sendable {
    package var mid: String?
    package var rid: String?
    package var repairedRid: String?
    /// Seconds in 6.18 fixed point, 24 bits: wraps every 64 s.
    package var absoluteSendTime: UInt32?
    package var transportSequence: UInt16?
    package var absoluteCaptureTime: AbsoluteCaptureTime?
    package var playoutDelay: PlayoutDelay?

    package init() {}
}

/// The range a receiver should delay pictures by, from capture to show, in units of 10 ms, 12 bits each.
package struct PlayoutDelay: Hashable, Sendable {
    package var minimum: UInt16
    package var maximum: UInt16

    package init(minimum: UInt16, maximum: UInt16) {
        self.minimum = min(minimum, 0xFFF)
        self.maximum = min(maximum, 0xFFF)
    }
}

/// Which id stands for which extension in one session, as offer and answer agreed.
package struct HeaderExtensionMap: Hashable, Sendable {
    /// By the kinds' places; 0, which no extension has, of those that were not agreed on. Looked at for each packet, so no
    /// dictionary: the kinds would be hashed by their URIs.
    private var ids = SIMD8<UInt8>(repeating: 0)

    package init() {}

    package init(_ entries: [UInt8: HeaderExtensionKind]) {
        for (id, kind) in entries { add(kind, id: id) }
    }

    package mutating func add(_ kind: HeaderExtensionKind, id: UInt8) { ids[kind.place] = id }

    package func id(of kind: HeaderExtensionKind) -> UInt8? {
        let id = ids[kind.place]
        return id == 0 ? nil : id
    }

    /// The known extensions of a packet; one with a wrong length is as good as absent.
    package func read(_ block: HeaderExtensionBlock?) -> HeaderExtensions {
        var values = HeaderExtensions()
        for element in block?.elements ?? [] where element.id != 0 {
            guard let kind = HeaderExtensionKind.allCases.first(where: { ids[$0.place] == element.id }) else {
                continue
            }
            values.read(kind, element.data)
        }
        return values
    }

    /// The block for the values whose kinds were agreed on; nil when there is none.
    package func block(for values: HeaderExtensions) -> HeaderExtensionBlock? {
        HeaderExtensionBlock(
            HeaderExtensionKind.allCases.compactMap { kind in
                guard let id = id(of: kind), let data = values.data(of: kind) else { return nil }
                return HeaderExtensionBlock.Element(id: id, data: data)
            }
        )
    }
}

extension HeaderExtensionKind {
    fileprivate var place: Int {
        switch self {
        case .mid: 0
        case .rid: 1
        case .repairedRid: 2
        case .absoluteSendTime: 3
        case .transportSequence: 4
        case .absoluteCaptureTime: 5
        case .playoutDelay: 6
        }
    }
}

extension HeaderExtensions {
    fileprivate mutating func read(_ kind: HeaderExtensionKind, _ data: ByteBuffer) {
        var reader = ByteReader(data)
        let count = data.readableBytes
        switch kind {
        case .mid: mid = Self.token(data)
        case .rid: rid = Self.token(data)
        case .repairedRid: repairedRid = Self.token(data)
        case .absoluteSendTime: absoluteSendTime = count == 3 ? try? reader.uint24() : nil
        case .transportSequence: transportSequence = count >= 2 ? try? reader.integer() : nil
        case .absoluteCaptureTime:
            guard count == 8 || count == 16, let time = try? reader.integer(as: UInt64.self) else { return }
            absoluteCaptureTime = AbsoluteCaptureTime(time: NTPTime(time), clockOffset: try? reader.integer())
        case .playoutDelay:
            guard count == 3, let value = try? reader.uint24() else { return }
            playoutDelay = PlayoutDelay(minimum: UInt16(value >> 12), maximum: UInt16(value & 0xFFF))
        }
    }

    /// Identification tags are short ASCII words; anything else is not one.
    private static func token(_ data: ByteBuffer) -> String? {
        let bytes = data.readableBytesView
        guard (1...64).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate func data(of kind: HeaderExtensionKind) -> ByteBuffer? {
        var data = ByteBuffer()
        switch kind {
        case .mid: return mid.map { ByteBuffer(string: $0) }
        case .rid: return rid.map { ByteBuffer(string: $0) }
        case .repairedRid: return repairedRid.map { ByteBuffer(string: $0) }
        case .absoluteSendTime:
            guard let absoluteSendTime else { return nil }
            data.writeUInt24(absoluteSendTime)
        case .transportSequence:
            guard let transportSequence else { return nil }
            data.writeInteger(transportSequence)
        case .absoluteCaptureTime:
            guard let absoluteCaptureTime else { return nil }
            data.writeInteger(absoluteCaptureTime.time.value)
            if let offset = absoluteCaptureTime.clockOffset { data.writeInteger(offset) }
        case .playoutDelay:
            guard let playoutDelay else { return nil }
            data.writeUInt24(UInt32(playoutDelay.minimum) << 12 | UInt32(playoutDelay.maximum))
        }
        return data
    }
}
