package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Turns a transport stream into tracks and access units, one program, at most one picture and one sound.
///
/// Bytes in, values out, in any cut. What is damaged is left out and counted; times are unwrapped, and a jump of the
/// sender's clock is a jump of the times.
package struct TSDemuxer: Sendable {
    package enum Event: Hashable, Sendable {
        /// The full set of tracks from here on.
        case tracks([Track])
        /// `decodeTime` is the sender's own clock, unwrapped.
        case unit(AccessUnit)
        /// The program has an elementary stream that is not carried.
        case refused(TSTrackRefusal)
    }

    package private(set) var statistics = TSStatistics()

    private let limits: TSLimits
    private var reader = TSPacketReader()
    private var association = SectionAssembler()
    private var program: Program?
    private var clock = TSClock()
    private var gate: TrackGate
    private var refusals: [TSTrackRefusal] = []
    /// Packets since there was a track.
    private var packetsWithoutTrack = 0

    private struct Program: Sendable {
        let mapPID: PID
        var sections = SectionAssembler()
        var map: PSISection?
        var streams: [ElementaryStream] = []
    }

    package init(limits: TSLimits = TSLimits()) {
        self.limits = limits
        gate = TrackGate(limits: limits)
    }

    package mutating func receive(_ bytes: ByteBuffer) throws(TSError) -> [Event] {
        var events: [Event] = []
        reader.append(bytes)
        while let bytes = reader.next() {
            statistics.packets += 1
            guard let packet = TSPacket(parsing: bytes) else { continue }
            take(packet, &events)
        }
        statistics.resyncs = reader.resyncCount
        if reader.skippedInARow > limits.skippedBytesMax { throw .notATransportStream }
        guard !gate.hasTracks else { return events }
        if packetsWithoutTrack > limits.packetsWithoutTrackMax { throw .noPlayableTrack(refusals) }
        return events
    }

    /// Nothing more comes: gives out what was waiting for more.
    package mutating func finish() -> [Event] {
        var events: [Event] = []
        for index in program?.streams.indices ?? 0..<0 { finishStream(index, &events) }
        gate.open(&events)
        return events
    }

    private mutating func take(_ packet: TSPacket, _ events: inout [Event]) {
        if !gate.hasTracks { packetsWithoutTrack += 1 }
        guard packet.pid != .null, !packet.isUnusable else { return }
        if packet.pid == .programAssociation {
            guard let payload = packet.payload else { return }
            for section in association.append(payload, startsUnit: packet.startsUnit) {
                takeAssociation(section, &events)
            }
        } else if packet.pid == program?.mapPID {
            guard let payload = packet.payload else { return }
            for section in program?.sections.append(payload, startsUnit: packet.startsUnit) ?? [] {
                takeMap(section, &events)
            }
        } else if let index = program?.streams.firstIndex(where: { $0.pid == packet.pid }) {
            var output: [ElementaryOutput] = []
            if program?.streams[index].take(packet, into: &output) == false { statistics.continuityErrors += 1 }
            pass(output, ofStream: index, &events)
        }
    }

    // MARK: Tables

    private mutating func section(_ bytes: ByteBuffer, _ table: PSISection.TableID) -> PSISection? {
        do throws(PSISection.Fault) {
            let section = try PSISection(parsing: bytes)
            return section.table == table ? section : nil
        } catch {
            if error != .notForUs { statistics.damagedTables += 1 }
            return nil
        }
    }

    private mutating func takeAssociation(_ bytes: ByteBuffer, _ events: inout [Event]) {
        guard let section = section(bytes, .programAssociation),
            let first = ProgramAssociation(section).programs.first, first.mapPID != program?.mapPID
        else { return }
        replaceStreams(by: [], &events)
        program = Program(mapPID: first.mapPID)
    }

    private mutating func takeMap(_ bytes: ByteBuffer, _ events: inout [Event]) {
        guard let section = section(bytes, .programMap), section != program?.map, let map = ProgramMap(section) else {
            return
        }
        let choice = ElementaryChoice(map, limits: limits)
        program?.map = section
        replaceStreams(by: choice.streams, &events)
        if choice.refusals != refusals {
            refusals = choice.refusals
            events += refusals.map(Event.refused)
        }
    }

    /// Streams that stay go on as they are; the last units of the others go out first.
    private mutating func replaceStreams(by chosen: [ElementaryStream], _ events: inout [Event]) {
        let old = program?.streams ?? []
        guard chosen.map(\.key) != old.map(\.key) else { return }
        for (index, stream) in old.enumerated() where !chosen.contains(where: { $0.key == stream.key }) {
            finishStream(index, &events)
        }
        let current = program?.streams ?? []
        program?.streams = chosen.map { new in current.first { $0.key == new.key } ?? new }
        let kept = chosen.filter { new in old.contains { $0.key == new.key } }
        gate.expect(chosen.map(\.track), keeping: kept.map(\.track))
    }

    private mutating func finishStream(_ index: Int, _ events: inout [Event]) {
        var output: [ElementaryOutput] = []
        program?.streams[index].finish(into: &output)
        pass(output, ofStream: index, &events)
    }

    // MARK: Media

    private mutating func pass(_ output: [ElementaryOutput], ofStream index: Int, _ events: inout [Event]) {
        guard let track = program?.streams[index].track else { return }
        for item in output {
            switch item {
            case .parameters(let codec): gate.learn(Track(id: track, codec: codec), &events)
            case .damaged: statistics.damagedUnits += 1
            case .unit(let unit):
                guard let times = program?.streams[index].times(of: unit, clock: &clock) else { continue }
                let unit = AccessUnit(
                    track: track,
                    decodeTime: times.decode,
                    compositionOffset: times.presentation - times.decode,
                    isKeyframe: unit.isKeyframe,
                    payload: unit.payload
                )
                gate.pass(unit, &events)
            }
        }
    }
}
