import Codecs
import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// Where one frame of an audio stream ends and what it is.
enum AudioFraming: Hashable, Sendable {
    case adts
    case mp3
    case ac3
    case opus(channels: Int)

    struct Frame: Hashable, Sendable {
        /// With everything in front of the payload.
        var byteCount: Int
        var payload: ByteBuffer
        var parameters: CodecParameters
        /// In ticks of 90 kHz.
        var duration: Int64
    }

    enum Answer: Hashable, Sendable {
        case frame(Frame)
        case needsMore
        /// No frame begins with the first byte.
        case none
    }

    private static let headBytesMax = 9

    func frame(at bytes: ByteBuffer) -> Answer {
        switch self {
        case .adts: adtsFrame(bytes)
        case .mp3: mp3Frame(bytes)
        case .ac3: ac3Frame(bytes)
        case .opus(let channels): opusFrame(bytes, channels)
        }
    }

    private func adtsFrame(_ bytes: ByteBuffer) -> Answer {
        guard bytes.readableBytes >= Self.headBytesMax else { return startsWith(bytes, 0xFF) ? .needsMore : .none }
        guard let header = try? ADTSHeader(parsing: bytes), let config = header.audioSpecificConfig,
            let record = config.encoded()
        else { return .none }
        return whole(
            bytes,
            byteCount: header.frameBytes,
            payloadFrom: header.headerBytes,
            parameters: .aac(configuration: record, sampleRate: config.sampleRate, channels: config.channels),
            samples: config.samplesPerFrame,
            rate: config.sampleRate
        )
    }

    private func mp3Frame(_ bytes: ByteBuffer) -> Answer {
        guard bytes.readableBytes >= 4 else { return startsWith(bytes, 0xFF) ? .needsMore : .none }
        guard let header = try? MP3FrameHeader(parsing: bytes), let byteCount = header.frameBytes else { return .none }
        return whole(
            bytes,
            byteCount: byteCount,
            payloadFrom: 0,
            parameters: .mp3(sampleRate: header.sampleRate, channels: header.channels),
            samples: header.samplesPerFrame,
            rate: header.sampleRate
        )
    }

    private func ac3Frame(_ bytes: ByteBuffer) -> Answer {
        guard bytes.readableBytes >= AC3FrameHeader.bytesWanted else {
            return startsWith(bytes, 0x0B) ? .needsMore : .none
        }
        guard let header = try? AC3FrameHeader(parsing: bytes) else { return .none }
        return whole(
            bytes,
            byteCount: header.frameBytes,
            payloadFrom: 0,
            parameters: header.parameters,
            samples: AC3FrameHeader.samplesPerFrame,
            rate: header.sampleRate
        )
    }

    /// A control header in front of each packet: prefix, flags, size (Opus in MPEG-2 TS §4).
    private func opusFrame(_ bytes: ByteBuffer, _ channels: Int) -> Answer {
        guard let prefix = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self) else {
            return startsWith(bytes, 0x7F) ? .needsMore : .none
        }
        guard prefix & 0xFFE0 == OpusControlHeader.prefix else { return .none }
        guard let header = OpusControlHeader(parsing: bytes) else {
            return bytes.readableBytes > OpusControlHeader.bytesMax ? .none : .needsMore
        }
        var packet = bytes
        packet.moveReaderIndex(forwardBy: header.headerBytes)
        // Its first two bytes tell how long it lasts.
        guard packet.readableBytes >= min(2, header.payloadBytes) else { return .needsMore }
        guard let samples = OpusPacket.samples(packet) else { return .none }
        return whole(
            bytes,
            byteCount: header.headerBytes + header.payloadBytes,
            payloadFrom: header.headerBytes,
            parameters: .opus(configuration: OpusHead.encoded(channels: channels), channels: channels),
            samples: samples,
            rate: OpusHead.sampleRate
        )
    }

    private func whole(
        _ bytes: ByteBuffer,
        byteCount: Int,
        payloadFrom start: Int,
        parameters: @autoclosure () -> CodecParameters,
        samples: Int,
        rate: Int
    ) -> Answer {
        guard bytes.readableBytes >= byteCount else { return .needsMore }
        guard let payload = bytes.getSlice(at: bytes.readerIndex + start, length: byteCount - start),
            payload.readableBytes > 0
        else { return .none }
        return .frame(
            Frame(
                byteCount: byteCount,
                payload: payload,
                parameters: parameters(),
                duration: MediaTime(samples: Int64(samples), rate: Int64(rate)).ticks
            )
        )
    }

    private func startsWith(_ bytes: ByteBuffer, _ first: UInt8) -> Bool {
        bytes.readableBytes == 0 || bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == first
    }
}
