package import Codecs
package import MediaModel
package import RTP
package import Timebase

import struct NIOCore.ByteBuffer

/// Makes access units of a publisher's frames, and learns from them what a decoder must know first.
///
/// RTP carries parameter sets within the pictures; the hub, as MP4 does, carries them beside.
package struct IncomingTrack: Sendable {
    /// A publisher may send a set again with every keyframe; ids go to 31 (SPS) and 255 (PPS), and nobody uses as many.
    private static let parameterSetsMax = 32

    package let id: TrackID
    package let codec: RTPCodec
    /// Nil until a keyframe has told them.
    package private(set) var parameters: CodecParameters?
    private var sets: [UInt8: [ByteBuffer]] = [:]

    package init(_ id: TrackID, codec: RTPCodec, channels: UInt8 = 2) {
        self.id = id
        self.codec = codec
        if codec == .opus { parameters = Self.opus(channels: channels) }
    }

    package var track: Track? { parameters.map { Track(id: id, codec: $0) } }

    /// Nil when nothing of the frame is for a decoder, and until the parameters are known.
    package mutating func unit(of frame: ReceivedFrame, at time: MediaTime) throws(CodecError) -> AccessUnit? {
        var payload = frame.payload
        switch codec {
        case .h264: payload = try h264(frame)
        case .h265: payload = try h265(frame)
        case .av1 where frame.isKeyframe:
            if let record = try AV1Configuration.record(sequenceHeaderIn: frame.payload) {
                parameters = try .av1(av1C: record)
            }
        case .vp8 where frame.isKeyframe:
            if let size = VP8FrameHeader.pictureSize(frame.payload) {
                parameters = .vp8(width: size.width, height: size.height)
            }
        case .vp9 where frame.isKeyframe:
            if let header = VP9FrameHeader(of: frame.payload), let size = header.pictureSize,
                let configuration = header.configuration
            {
                parameters = .vp9(configuration: configuration.encoded(), width: size.width, height: size.height)
            }
        case .av1, .vp8, .vp9, .opus: break
        }
        guard parameters != nil, payload.readableBytes > 0 else { return nil }
        return AccessUnit(track: id, decodeTime: time, isKeyframe: frame.isKeyframe, payload: payload)
    }

    /// RFC 7845 §5.1, for a decoder that begins amid the stream: no pre-skip.
    private static func opus(channels: UInt8) -> CodecParameters {
        var head = ByteBuffer(string: "OpusHead")
        head.writeBytes([1, channels])
        head.writeInteger(UInt16(0))
        head.writeInteger(UInt32(OpusHead.sampleRate), endianness: .little)
        head.writeBytes([0, 0, 0])
        return .opus(configuration: head, channels: Int(channels))
    }

    // MARK: Parameter sets

    private mutating func h264(_ frame: ReceivedFrame) throws(CodecError) -> ByteBuffer {
        let units = try take(frame.payload, header: { $0 & 0x1F }, sets: [7, 8], delimiter: 9)
        if frame.isKeyframe, let sps = sets[7], let pps = sets[8],
            let record = AVCConfiguration(sequenceParameterSets: sps, pictureParameterSets: pps)
        {
            parameters = try .h264(avcC: record.encoded())
        }
        return units
    }

    private mutating func h265(_ frame: ReceivedFrame) throws(CodecError) -> ByteBuffer {
        let units = try take(frame.payload, header: { $0 >> 1 & 0x3F }, sets: [32, 33, 34], delimiter: 35)
        if frame.isKeyframe,
            let record = try HEVCConfiguration.record(
                videoParameterSets: sets[32] ?? [],
                sequenceParameterSets: sets[33] ?? [],
                pictureParameterSets: sets[34] ?? []
            )
        {
            parameters = try .h265(hvcC: record)
        }
        return units
    }

    /// The NAL units without parameter sets and delimiters. A picture that brings a set of a kind brings all of them.
    private mutating func take(
        _ payload: ByteBuffer,
        header type: (UInt8) -> UInt8,
        sets kinds: Set<UInt8>,
        delimiter: UInt8
    ) throws(CodecError) -> ByteBuffer {
        let units = try LengthPrefixedNALUnits.split(payload)
        var kept: [ByteBuffer] = []
        var brought: [UInt8: [ByteBuffer]] = [:]
        for unit in units {
            let kind = type(unit.getInteger(at: unit.readerIndex, as: UInt8.self) ?? 0)
            if kinds.contains(kind) {
                var of = brought[kind] ?? []
                if of.count < Self.parameterSetsMax, !of.contains(unit) { of.append(unit) }
                brought[kind] = of
            } else if kind != delimiter {
                kept.append(unit)
            }
        }
        // Copies, so that a few bytes do not hold whole pictures in memory.
        for (kind, of) in brought { sets[kind] = of.map { ByteBuffer(bytes: $0.readableBytesView) } }
        return kept.count == units.count ? payload : LengthPrefixedNALUnits.join(kept)
    }
}
