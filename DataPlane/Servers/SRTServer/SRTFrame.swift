import MPEGTS
import MediaModel
import Streams
import Timebase

import struct NIOCore.ByteBuffer

/// The transport stream packets of one access unit, made once and sent to all players of the stream.
struct SRTFrame: Sendable {
    let bytes: ByteBuffer
    /// A player can start here.
    let isStart: Bool
    let decodeTime: MediaTime
}

/// A live stream as transport stream packets.
struct SRTFormat: Sendable {
    private var muxer = TSMuxer()

    mutating func frame(for item: StreamItem) -> SRTFrame? {
        switch item {
        case .tracks(let tracks):
            muxer.setTracks(tracks)
            return nil
        case .unit(let unit):
            guard let packets = muxer.packets(for: unit) else { return nil }
            let kind = muxer.tracks.first { $0.id == unit.track }?.kind
            let isVideoStart = kind == .video && unit.isKeyframe
            let isSoundStart = !muxer.tracks.contains { $0.kind == .video }
            return SRTFrame(
                bytes: packets.bytes,
                isStart: packets.beginsWithTables && (isVideoStart || isSoundStart),
                decodeTime: unit.decodeTime
            )
        case .cut: return nil
        }
    }
}
