import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// Holds the first units back until the tracks that the program promises are known, so that a stream does not begin with half
/// of them.
struct TrackGate: Sendable {
    private let limits: TSLimits
    private var expected: [TrackID] = []
    private var tracks: [Track] = []
    private var isOpen = false
    private var pending: [AccessUnit] = []
    private var pendingBytes = 0

    init(limits: TSLimits) { self.limits = limits }

    var hasTracks: Bool { !tracks.isEmpty }

    /// Another program map: only these tracks go on.
    mutating func expect(_ ids: [TrackID], keeping kept: [TrackID]) {
        expected = ids
        tracks.removeAll { !kept.contains($0.id) }
        isOpen = false
    }

    mutating func learn(_ track: Track, _ events: inout [TSDemuxer.Event]) {
        // Units that wait were made with the parameters before.
        if !isOpen, tracks.contains(where: { $0.id == track.id }) { open(&events) }
        tracks.removeAll { $0.id == track.id }
        tracks.append(track)
        tracks.sort { $0.id < $1.id }
        if isOpen { events.append(.tracks(tracks)) }
    }

    mutating func pass(_ unit: AccessUnit, _ events: inout [TSDemuxer.Event]) {
        guard !isOpen else { return events.append(.unit(unit)) }
        pending.append(unit)
        pendingBytes += unit.payload.readableBytes
        let first = pending[0].decodeTime
        let hasWaited =
            unit.decodeTime - first >= limits.announceAfter || first - unit.decodeTime >= limits.announceAfter
        let isFull = pending.count >= limits.pendingUnitsMax || pendingBytes >= limits.pendingBytesMax
        if tracks.count == expected.count || hasWaited || isFull { open(&events) }
    }

    mutating func open(_ events: inout [TSDemuxer.Event]) {
        guard !isOpen, !tracks.isEmpty else { return }
        isOpen = true
        events.append(.tracks(tracks))
        events += pending.map(TSDemuxer.Event.unit)
        pending = []
        pendingBytes = 0
    }
}
