package import Codecs
package import FLV
import MediaModel
package import RTMP
package import Streams
import Timebase

import struct NIOCore.ByteBuffer

/// Turns an RTMP publisher's messages into the hub's items. The only place where RTMP timestamps become media time.
package struct RTMPToStream {
    /// What a publisher sent that the stream cannot carry.
    package enum Fault: Error, Equatable {
        case container(FLVError)
        case codec(CodecError)
        case frameBeforeHeader
        case unsupported(FLVCodec)
    }

    /// A codec's parameters, and what is needed of them for each frame.
    private struct Source {
        var track: Track
        /// Bytes of a NAL unit's length as the publisher sends it.
        var lengthBytes: Int?
        var frame: AudioFrameDuration?
    }

    /// How long the first kind of media waits for the other before the tracks are announced without it.
    private static let announceAfter = MediaTime(milliseconds: 500)
    private static let pendingMax = 256
    /// Captions and cue points are a few hundred; each lies in the memory of every node for the slowest player's time.
    private static let dataBytesMax = 64 << 10

    private var video: Source?
    private var audio: Source?
    private var isAnnounced = false
    private var pending: [IngestItem] = []
    private var pendingSince: MediaTime?
    private var clock = MillisecondUnwrapper()

    package init() {}

    /// Adds what the message holds to `batch`.
    package mutating func take(_ message: MediaMessage, into batch: inout [IngestItem]) throws(Fault) {
        let tag: FLVMediaTag
        do throws(FLVError) {
            switch message.kind {
            case .video: tag = try .video(message.payload)
            case .audio: tag = try .audio(message.payload)
            case .data: return takeData(message, into: &batch)
            }
        } catch { throw .container(error) }
        switch tag {
        case .sequenceHeader(let codec, let configuration):
            try learn(message.kind, codec, configuration, &batch)
        case .frame(let frame):
            // A codec without a sequence header (MP3, AC-3) shows its parameters in the frame.
            if source(message.kind) == nil {
                guard frame.codec == .mp3 || frame.codec == .ac3 else { throw .frameBeforeHeader }
                try learn(message.kind, frame.codec, frame.payload, &batch)
            }
            guard let source = source(message.kind) else { return }
            announce(try unit(frame, of: source, message.timestamp), &batch)
        case .endOfSequence, .ignored: return
        }
    }

    /// Passed on as it is. Metadata is made anew from the tracks, so that it is true of what players get.
    private mutating func takeData(_ message: MediaMessage, into batch: inout [IngestItem]) {
        var decoder = AMF0Decoder(message.payload)
        guard isAnnounced, message.payload.readableBytes <= Self.dataBytesMax,
            let name = try? decoder.value().string, name != "onMetaData"
        else { return }
        let unit = AccessUnit(
            track: .data,
            decodeTime: MediaTime(milliseconds: clock.near(message.timestamp)),
            isKeyframe: false,
            payload: message.payload
        )
        batch.append(.unit(unit, frame: nil))
    }

    private func source(_ kind: TrackKind) -> Source? { kind == .video ? video : audio }

    private mutating func learn(
        _ kind: TrackKind,
        _ codec: FLVCodec,
        _ record: ByteBuffer,
        _ batch: inout [IngestItem]
    ) throws(Fault) {
        let known = source(kind)
        let source = try Self.source(kind == .video ? .video : .audio, codec, record)
        if kind == .video { video = source } else { audio = source }
        if isAnnounced, known?.track != source.track { batch.append(.tracks(tracks)) }
    }

    private var tracks: [Track] { [video, audio].compactMap { $0?.track } }

    private mutating func unit(_ frame: FLVFrame, of source: Source, _ timestamp: UInt32) throws(Fault) -> IngestItem {
        var payload = frame.payload
        if let size = source.lengthBytes, size != 4 {
            do throws(CodecError) {
                payload = try LengthPrefixedNALUnits.normalize(payload, lengthBytes: size)
            } catch { throw .codec(error) }
        }
        let unit = AccessUnit(
            track: source.track.id,
            decodeTime: MediaTime(milliseconds: clock.unwrap(timestamp)),
            compositionOffset: MediaTime(milliseconds: Int64(frame.compositionOffsetMilliseconds)),
            isKeyframe: frame.isKeyframe,
            payload: payload
        )
        return .unit(unit, frame: source.frame)
    }

    /// Holds the first units back until the tracks are known, so that the stream does not begin with half of them.
    private mutating func announce(_ item: IngestItem, _ batch: inout [IngestItem]) {
        if isAnnounced { return batch.append(item) }
        guard case .unit(let unit, _) = item else { return }
        let since = pendingSince ?? unit.decodeTime
        pendingSince = since
        pending.append(item)
        let isComplete = video != nil && audio != nil
        let hasWaited = unit.decodeTime - since >= Self.announceAfter || pending.count >= Self.pendingMax
        guard isComplete || hasWaited else { return }
        isAnnounced = true
        batch.append(.tracks(tracks))
        batch += pending
        pending = []
    }

    private static func source(_ id: TrackID, _ codec: FLVCodec, _ record: ByteBuffer) throws(Fault) -> Source {
        if codec == .vp9 { throw .unsupported(codec) }
        do throws(CodecError) {
            switch codec {
            case .avc:
                let size = try AVCConfiguration(parsing: record).lengthBytes
                return Source(track: Track(id: id, codec: try .h264(avcC: record)), lengthBytes: size)
            case .hevc:
                let size = try HEVCConfiguration(parsing: record).lengthBytes
                return Source(track: Track(id: id, codec: try .h265(hvcC: record)), lengthBytes: size)
            case .av1: return Source(track: Track(id: id, codec: try .av1(av1C: record)))
            case .aac: return audioSource(id, try .aac(audioSpecificConfig: record), record)
            case .mp3: return audioSource(id, try .mp3(firstFrame: record), record)
            case .ac3: return audioSource(id, try .ac3(firstFrame: record), record)
            case .opus, .vp9: return Source(track: Track(id: id, codec: try .opus(head: record)))
            }
        } catch { throw .codec(error) }
    }

    private static func audioSource(_ id: TrackID, _ codec: CodecParameters, _ first: ByteBuffer) -> Source {
        let frame = codec.samples(inFrame: first).flatMap { samples in
            codec.sampleRate.map { AudioFrameDuration(samples: Int64(samples), rate: Int64($0)) }
        }
        return Source(track: Track(id: id, codec: codec), frame: frame)
    }
}

/// RTMP's 32-bit milliseconds as a number that does not wrap: the nearest to the last one wins (every 49.7 days).
package struct MillisecondUnwrapper {
    private var last: (stamp: SerialNumber<UInt32>, value: Int64)?

    package init() {}

    /// Where `timestamp` lies beside the last one, which stays the last.
    package func near(_ timestamp: UInt32) -> Int64 {
        var copy = self
        return copy.unwrap(timestamp)
    }

    package mutating func unwrap(_ timestamp: UInt32) -> Int64 {
        let stamp = SerialNumber(timestamp)
        let next = last.map { $0.value + $0.stamp.distance(to: stamp) } ?? Int64(timestamp)
        // 35,000 years of jumps: begin anew, which is one jump more, before ticks overflow.
        let value = next.magnitude < 1 << 50 ? next : Int64(timestamp)
        last = (stamp, value)
        return value
    }
}
