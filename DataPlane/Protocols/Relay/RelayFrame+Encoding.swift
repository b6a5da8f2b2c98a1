package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

extension RelayFrame {
    /// The whole frame in one buffer. Media goes by `RelayWireForm` instead, which does not copy payloads.
    package var encoded: ByteBuffer {
        var whole = ByteBuffer()
        for piece in pieces { whole.writeImmutableBuffer(piece) }
        return whole
    }

    /// The frame's bytes; the last piece shares the storage of a payload, if the frame has one.
    var pieces: [ByteBuffer] {
        switch self {
        case .hello(let hello): Self.frame(.hello) { hello.write(into: &$0) }
        case .objectRequest(let id, let name):
            Self.frame(.objectRequest) {
                $0.writeInteger(id)
                $0.writeText(name)
            }
        case .objectInterest(let isOn): Self.frame(.objectInterest) { $0.writeInteger(UInt8(isOn ? 1 : 0)) }
        case .bye: Self.frame(.bye) { _ in }
        case .keyframeRequest: Self.frame(.keyframeRequest) { _ in }
        case .keepAlive: Self.frame(.keepAlive) { _ in }
        case .accept(let accept): Self.frame(.accept) { accept.write(into: &$0) }
        case .refuse(let refusal):
            Self.frame(.refuse) {
                $0.writeInteger(refusal.code.rawValue)
                $0.writeText(refusal.detail)
            }
        case .item(let item): Self.pieces(of: item)
        case .state(let state): Self.frame(.state) { $0.writeInteger(state.rawValue) }
        case .path(let hops): Self.frame(.path) { $0.writeNames(hops) }
        case .rungsGivenUp(let rungs): Self.frame(.rungsGivenUp) { $0.writeNames(rungs) }
        case .objectData(let id, let isLast, let bytes):
            Self.frame(.objectData, payload: bytes) {
                $0.writeInteger(id)
                $0.writeInteger(UInt8(isLast ? 1 : 0))
            }
        case .objectMissing(let id): Self.frame(.objectMissing) { $0.writeInteger(id) }
        case .end(let reason): Self.frame(.end) { reason.write(into: &$0) }
        case .gap: Self.frame(.gap) { _ in }
        }
    }

    private static func pieces(of item: StreamItem) -> [ByteBuffer] {
        switch item {
        case .tracks(let tracks): frame(.tracks) { $0.writeTracks(tracks) }
        case .cut(let mark): frame(.cut) { mark.write(into: &$0) }
        case .unit(let unit):
            frame(.unit, payload: unit.payload) {
                $0.writeInteger(unit.track.value)
                $0.writeInteger(UnitFlags(unit).rawValue)
                $0.writeInteger(unit.decodeTime.ticks)
                $0.writeInteger(Int32(clamping: unit.compositionOffset.ticks))
                if let capture = unit.captureTime {
                    $0.writeInteger(capture.time.value)
                    if let offset = capture.clockOffset { $0.writeInteger(offset) }
                }
            }
        }
    }

    private static func frame(
        _ kind: Kind,
        payload: ByteBuffer? = nil,
        _ fields: (inout ByteBuffer) -> Void
    ) -> [ByteBuffer] {
        var head = ByteBuffer()
        head.reserveCapacity(headerLength + 16)
        head.writeInteger(kind.rawValue)
        head.writeInteger(UInt32(0))
        fields(&head)
        let length = head.readableBytes - headerLength + (payload?.readableBytes ?? 0)
        head.setInteger(UInt32(length), at: head.readerIndex + 1)
        return payload.map { [head, $0] } ?? [head]
    }
}

/// The relay's form of what the hub moves: made once for all children of a node.
package enum RelayWireForm {
    package static func pieces(for item: StreamItem) -> [ByteBuffer] { RelayFrame.item(item).pieces }
}

/// What a unit is and what its frame holds.
struct UnitFlags: OptionSet {
    let rawValue: UInt8

    static let keyframe = Self(rawValue: 1)
    /// 64 bits of NTP follow the times.
    static let captureTime = Self(rawValue: 2)
    /// 64 bits follow the capture time.
    static let clockOffset = Self(rawValue: 4)
}

extension UnitFlags {
    init(_ unit: AccessUnit) {
        self = unit.isKeyframe ? .keyframe : []
        if unit.captureTime != nil { insert(.captureTime) }
        if unit.captureTime?.clockOffset != nil { insert(.clockOffset) }
    }
}

extension RelayHello {
    func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.magic)
        buffer.writeInteger(protocolVersion)
        buffer.writeInteger(packagerVersion)
        buffer.writeText(app)
        buffer.writeText(id)
        buffer.writeText(child)
        buffer.writeText(ticket)
        // Epochs are positive, so 0 is free to mean none.
        buffer.writeInteger(haveEpoch?.value ?? 0)
        buffer.writeInteger(UInt8(clamping: tracks.count))
        for track in tracks.prefix(Int(UInt8.max)) { buffer.writeInteger(track.value) }
    }
}

extension RelayAccept {
    func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(packagerVersion)
        buffer.writeInteger(epoch.value)
        buffer.writeInteger(state.rawValue)
        buffer.writeNames(hops)
        buffer.writeTracks(tracks)
    }
}

extension CutMark {
    func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(sequence)
        buffer.writeInteger(part)
        buffer.writeInteger(discontinuity)
        buffer.writeInteger(UInt8(isDiscontinuous ? 1 : 0))
        buffer.writeInteger(mediaTime.ticks)
        buffer.writeInteger(wallTime.milliseconds)
        buffer.writeInteger(oldestSequence)
    }
}

extension EndReason {
    func write(into buffer: inout ByteBuffer) {
        switch self {
        case .unpublished: buffer.writeInteger(UInt8(1))
        case .publisherLost: buffer.writeInteger(UInt8(2))
        case .fenced(let epoch):
            buffer.writeInteger(UInt8(3))
            buffer.writeInteger(epoch.value)
        case .draining: buffer.writeInteger(UInt8(4))
        case .removed: buffer.writeInteger(UInt8(5))
        }
    }
}

extension ByteBuffer {
    mutating func writeText(_ text: String) {
        let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
        writeInteger(UInt16(bytes.count))
        writeBytes(bytes)
    }

    /// Count (u8), then the names, of nodes or rungs.
    mutating func writeNames(_ names: [String]) {
        writeInteger(UInt8(clamping: names.count))
        for name in names.prefix(Int(UInt8.max)) { writeText(name) }
    }

    /// Count (u8), then per track: id, codec (u8), two u32 (width and height, or sample rate and channels), configuration;
    /// where the codec is marked so, its layers as tracks.
    mutating func writeTracks(_ tracks: [Track]) {
        writeInteger(UInt8(clamping: tracks.count))
        for track in tracks.prefix(Int(UInt8.max)) {
            writeInteger(track.id.value)
            let (code, first, second, configuration) = track.codec.relayFields
            writeInteger(code.rawValue | (track.layers.isEmpty ? 0 : RelayCodec.layersFollow))
            writeInteger(UInt32(clamping: first))
            writeInteger(UInt32(clamping: second))
            writeInteger(UInt32(configuration.readableBytes))
            writeImmutableBuffer(configuration)
            if !track.layers.isEmpty { writeTracks(track.layers) }
        }
    }
}

enum RelayCodec: UInt8 {
    case h264 = 1
    case h265 = 2
    case av1 = 3
    case aac = 4
    case mp3 = 5
    case opus = 6
    case data = 7
    case ac3 = 8
    case vp8 = 9
    case vp9 = 10

    /// Beside the codec's number.
    static let layersFollow: UInt8 = 0x80
}

extension CodecParameters {
    fileprivate var relayFields: (RelayCodec, Int, Int, ByteBuffer) {
        switch self {
        case .h264(let configuration, let width, let height): (.h264, width, height, configuration)
        case .h265(let configuration, let width, let height): (.h265, width, height, configuration)
        case .av1(let configuration, let width, let height): (.av1, width, height, configuration)
        case .vp8(let width, let height): (.vp8, width, height, ByteBuffer())
        case .vp9(let configuration, let width, let height): (.vp9, width, height, configuration)
        case .aac(let configuration, let rate, let channels): (.aac, rate, channels, configuration)
        case .mp3(let rate, let channels): (.mp3, rate, channels, ByteBuffer())
        case .ac3(let configuration, let rate, let channels): (.ac3, rate, channels, configuration)
        case .opus(let configuration, let channels): (.opus, 48_000, channels, configuration)
        case .data: (.data, 0, 0, ByteBuffer())
        }
    }
}
