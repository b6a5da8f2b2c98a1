import Foundation
import MPEGTS
import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// Short transport streams made by ffmpeg 5.1; they are the fuzzer's seeds too.
enum Fixture: String, CaseIterable {
    case h264AAC = "h264-aac"
    case h264Opus = "h264-opus"
    case h265MP3 = "h265-mp3"
    case ac3
    case latm

    var bytes: [UInt8] {
        get throws {
            let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return Array(try Data(contentsOf: tests.appending(path: "Fuzz/Corpus/transport-stream/\(rawValue)")))
        }
    }

    var packets: [[UInt8]] {
        get throws {
            let bytes = try bytes
            return stride(from: 0, to: bytes.count, by: 188).map { Array(bytes[$0..<$0 + 188]) }
        }
    }
}

/// What a demuxer says of the bytes, piece by piece, to their end.
struct Story: Equatable {
    var events: [TSDemuxer.Event] = []
    var statistics = TSStatistics()

    init(_ pieces: [[UInt8]], limits: TSLimits = TSLimits()) throws(TSError) {
        var demuxer = TSDemuxer(limits: limits)
        for piece in pieces { events += try demuxer.receive(ByteBuffer(bytes: piece)) }
        events += demuxer.finish()
        statistics = demuxer.statistics
    }

    var tracks: [[Track]] {
        events.compactMap { if case .tracks(let tracks) = $0 { tracks } else { nil } }
    }

    func units(_ track: TrackID) -> [AccessUnit] {
        events.compactMap {
            if case .unit(let unit) = $0, unit.track == track { unit } else { nil }
        }
    }
}

/// The stream as a muxer writes it, each unit's packets apart.
func muxed(_ items: [StreamItem], _ settings: TSMuxerSettings = TSMuxerSettings()) -> [ByteBuffer] {
    var muxer = TSMuxer(settings: settings)
    return items.compactMap { item in
        switch item {
        case .tracks(let tracks):
            muxer.setTracks(tracks)
            return nil
        case .unit(let unit): return muxer.packets(for: unit)?.bytes
        case .cut: return nil
        }
    }
}

extension ByteBuffer {
    var bytes: [UInt8] { Array(readableBytesView) }
}

extension AccessUnit {
    func shifted(by time: MediaTime) -> AccessUnit {
        var unit = self
        unit.decodeTime = unit.decodeTime + time
        return unit
    }
}
