import MediaFixtures
import MediaModel
import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct PayloadFormatTests {
    struct Format: Sendable, CustomTestStringConvertible {
        var codec: RTPCodec
        var frames: [ByteBuffer]
        var packetizer: @Sendable (PacketizationLimits) throws -> Packetizer?
        var testDescription: String { codec.rawValue }
    }

    static let formats: [Format] = [
        Format(
            codec: .h264,
            frames: (try? SampleClip.items(seconds: 1))?.compactMap {
                if case .unit(let unit) = $0, unit.track == .video { unit.payload } else { nil }
            } ?? [],
            packetizer: {
                try Packetizer(.h264(configuration: SampleClip.avcConfiguration, width: 128, height: 72), limits: $0)
            }
        ),
        Format(codec: .h265, frames: CodedFrames.h265) { _ in nil },
        Format(codec: .vp8, frames: CodedFrames.vp8) {
            try Packetizer(.vp8(width: 64, height: 48), limits: $0)
        },
        Format(codec: .vp9, frames: CodedFrames.vp9) {
            try Packetizer(.vp9(configuration: ByteBuffer(), width: 64, height: 48), limits: $0)
        },
        Format(codec: .av1, frames: CodedFrames.av1) {
            try Packetizer(.av1(configuration: ByteBuffer(hex: "81000C00"), width: 64, height: 48), limits: $0)
        },
        Format(codec: .opus, frames: CodedFrames.opus) {
            try Packetizer(.opus(configuration: ByteBuffer(), channels: 2), limits: $0)
        },
    ]

    private func payloads(
        _ format: Format,
        _ frame: ByteBuffer,
        _ packetizer: inout Packetizer?,
        isKeyframe: Bool,
        _ limits: PacketizationLimits
    ) throws -> [RTPPayload] {
        guard format.codec != .h265 else {
            return try H265Packetizer(parameterSets: [], limits: limits).packetize(frame, isKeyframe: isKeyframe)
        }
        let unit = AccessUnit(track: .video, decodeTime: .zero, isKeyframe: isKeyframe, payload: frame)
        let packetized = try packetizer?.packetize(unit)
        return try #require(packetized).payloads
    }

    /// Down to fragments of a few bytes, and up to whole frames in a packet.
    @Test(arguments: formats, [24, 61, 200, 1160, 9000])
    func `a frame put together again is the frame that was cut`(format: Format, bytesMax: Int) throws {
        var limits = PacketizationLimits()
        limits.payloadBytesMax = bytesMax
        var packetizer = try format.packetizer(limits)
        var depacketizer = format.codec.makeDepacketizer()
        #expect(format.frames.count >= 3)
        for (number, frame) in format.frames.enumerated() {
            let payloads = try payloads(format, frame, &packetizer, isKeyframe: number == 0, limits)
            if format.codec != .opus {
                #expect(payloads.allSatisfy { $0.bytes.readableBytes <= bytesMax })
                #expect(payloads.map(\.marker) == payloads.indices.map { $0 == payloads.count - 1 })
            }
            if number == 0 { #expect(payloads.first.map { depacketizer.mayBeginFrame($0.bytes) } == true) }
            for payload in payloads { try depacketizer.append(payload.bytes) }
            let finished = try depacketizer.finishFrame()
            let frameAgain = try #require(finished)
            #expect(frameAgain.isKeyframe == (number == 0 || format.codec == .opus), "frame \(number)")
            #expect(withoutParameterSets(frameAgain.payload, format.codec) == comparable(frame, format.codec))
        }
    }

    /// The packetizer puts H.264's in front; the clip has them apart.
    private func withoutParameterSets(_ payload: ByteBuffer, _ codec: RTPCodec) -> [UInt8] {
        guard codec == .h264 else { return payload.bytes }
        var rest = payload
        var kept = ByteBuffer()
        while let length = rest.readInteger(as: UInt32.self), var unit = rest.readSlice(length: Int(length)) {
            guard let header = unit.getInteger(at: unit.readerIndex, as: UInt8.self), ![7, 8].contains(header & 0x1F)
            else { continue }
            kept.writeInteger(length)
            kept.writeBuffer(&unit)
        }
        return kept.bytes
    }

    /// An encoder's temporal unit begins with a delimiter, which neither RTP nor an access unit carries.
    private func comparable(_ frame: ByteBuffer, _ codec: RTPCodec) -> [UInt8] {
        codec == .av1 && frame.bytes.prefix(2) == [0x12, 0x00] ? Array(frame.bytes.dropFirst(2)) : frame.bytes
    }

    @Test func `a keyframe begins with its parameter sets in one packet`() throws {
        let frame = try #require(Self.formats[0].frames.first)
        let packetizer = try Self.formats[0].packetizer(PacketizationLimits())
        var made = try #require(packetizer)
        let unit = AccessUnit(track: .video, decodeTime: .zero, isKeyframe: true, payload: frame)
        let payloads = try made.packetize(unit).payloads
        let first = try #require(payloads.first).bytes.bytes
        #expect(first[0] & 0x1F == 24)
        #expect(first[3] & 0x1F == 7)
        let spsLength = Int(first[1]) << 8 | Int(first[2])
        #expect(first[5 + spsLength] & 0x1F == 8)
    }

    @Test func `packetization mode 0 sends whole NAL units and refuses what does not fit`() throws {
        let packetizer = H264Packetizer(mode: .singleNALUnit, parameterSets: [ByteBuffer(hex: "67 01")])
        let payloads = try packetizer.packetize(ByteBuffer(hex: "00000003 65 88 01 00000002 65 44"), isKeyframe: true)
        #expect(payloads.map(\.bytes) == ["67 01", "65 88 01", "65 44"].map { ByteBuffer(hex: $0) })
        var large = ByteBuffer(hex: "00000800")
        large.writeRepeatingByte(0x41, count: 0x800)
        #expect(throws: RTPError.self) { try packetizer.packetize(large, isKeyframe: false) }
    }

    /// RFC 6184 §5.7.1 and §5.8, HEVC §4.4.2, by hand.
    @Test func `aggregates and fragments look as their figures say`() throws {
        var limits = PacketizationLimits()
        limits.payloadBytesMax = 6
        let h264 = H264Packetizer(mode: .nonInterleaved, parameterSets: [], limits: limits)
        #expect(
            try h264.packetize(ByteBuffer(hex: "00000009 65 0102030405060708"), isKeyframe: false).map(\.bytes)
                == ["7C 85 01020304", "7C 45 05060708"].map { ByteBuffer(hex: $0) }
        )
        limits.payloadBytesMax = 100
        let wide = H264Packetizer(mode: .nonInterleaved, parameterSets: [], limits: limits)
        #expect(
            try wide.packetize(ByteBuffer(hex: "00000002 06 01 00000002 41 02"), isKeyframe: false).map(\.bytes)
                == [ByteBuffer(hex: "58 0002 0601 0002 4102")]
        )
        let h265 = H265Packetizer(parameterSets: [], limits: limits)
        #expect(
            try h265.packetize(ByteBuffer(hex: "00000003 4001 0A 00000003 4202 0B"), isKeyframe: false).map(\.bytes)
                == [ByteBuffer(hex: "6001 0003 40010A 0003 42020B")]
        )
    }

    @Test(arguments: formats)
    func `a frame without its begin, or amid another, is an error and not a frame`(format: Format) throws {
        guard format.codec != .opus else { return }
        var limits = PacketizationLimits()
        limits.payloadBytesMax = 100
        var packetizer = try format.packetizer(limits)
        let payloads = try payloads(format, format.frames[0], &packetizer, isKeyframe: true, limits)
        var depacketizer = format.codec.makeDepacketizer()
        let last = try #require(payloads.last).bytes
        #expect(throws: RTPError.self) { try depacketizer.append(last) }
        depacketizer.reset()
        var limited = DepacketizationLimits()
        limited.frameBytesMax = 500
        var small = format.codec.makeDepacketizer(limits: limited)
        #expect(throws: RTPError.frameTooLarge(bytesMax: 500)) {
            for payload in payloads { try small.append(payload.bytes) }
        }
    }

    @Test func `VP8 and VP9 number their pictures and tell keyframes`() throws {
        var vp8 = VP8Packetizer()
        let pictures = CodedFrames.vp8.prefix(2).map { vp8.packetize($0)[0].bytes.bytes.prefix(4) }
        #expect(pictures == [[0x90, 0x80, 0x80, 0x00], [0x90, 0x80, 0x80, 0x01]])
        #expect(VP8FrameHeader.pictureSize(CodedFrames.vp8[0]).map { [$0.width, $0.height] } == [64, 48])
        var vp9 = VP9Packetizer()
        // I, F, B, V; the id; one layer of 64 × 48.
        let key = vp9.packetize(CodedFrames.vp9[0])[0].bytes.bytes
        #expect(key.prefix(8) == [0x9A, 0x80, 0x00, 0x10, 0x00, 0x40, 0x00, 0x30])
        // I, P, F, B, E; the id; P_DIFF 1.
        let inter = vp9.packetize(CodedFrames.vp9[1])[0].bytes.bytes
        #expect(inter.prefix(4) == [0xDC, 0x80, 0x01, 0x02])
    }
}
