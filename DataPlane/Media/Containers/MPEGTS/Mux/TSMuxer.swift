import Codecs
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Writes access units as a transport stream of one program, for players over SRT and for MPEG-TS segments.
///
/// Each unit becomes one PES packet in packets of its own. Tables go before every keyframe of video, and again when they are
/// due; the clock goes with video, else with sound.
package struct TSMuxer: Sendable {
    /// The packets of one unit.
    package struct Packets: Hashable, Sendable {
        package var bytes: ByteBuffer
        /// They begin with the tables: a receiver can start here, as far as tables go.
        package var beginsWithTables: Bool
    }

    private static let mapPID = PID(0x1000)
    private static let videoPID = PID(0x100)
    private static let audioPID = PID(0x101)

    private let settings: TSMuxerSettings
    private var carried: [Carried] = []
    private var mapVersion: UInt8 = 0
    private var packetizer = TSPacketizer()
    private var tablesAt: MediaTime?
    private var clockAt: MediaTime?

    private struct Carried: Sendable {
        let track: Track
        let pid: PID
        let form: ElementaryForm
    }

    package init(settings: TSMuxerSettings = TSMuxerSettings()) { self.settings = settings }

    /// The tracks of all units that follow: the first of each kind that a transport stream can carry.
    package mutating func setTracks(_ tracks: [Track]) {
        let before = carried.map(\.track)
        carried = []
        for (kind, pid) in [(TrackKind.video, Self.videoPID), (.audio, Self.audioPID)] {
            let candidates = tracks.lazy.filter { $0.kind == kind }
            for track in candidates {
                guard let form = ElementaryForm(track.codec) else { continue }
                carried.append(Carried(track: track, pid: pid, form: form))
                break
            }
        }
        guard carried.map(\.track) != before else { return }
        mapVersion = before.isEmpty ? mapVersion : (mapVersion + 1) & 0x1F
        tablesAt = nil
    }

    package var tracks: [Track] { carried.map(\.track) }

    /// The next unit's packets begin with the tables.
    package mutating func requireTables() { tablesAt = nil }

    /// Nil for a unit of a track that is not carried, or that cannot be written.
    package mutating func packets(for unit: AccessUnit) -> Packets? {
        guard let carried = carried.first(where: { $0.track.id == unit.track }),
            let payload = carried.form.payload(of: unit)
        else { return nil }
        var bytes = ByteBuffer()
        bytes.reserveCapacity((payload.readableBytes / 184 + 6) * TSPacket.byteCount)
        let hasTables = areTablesDue(unit, carried)
        if hasTables { writeTables(at: unit.decodeTime, into: &bytes) }
        if carried.pid != clockPID, isClockDue(at: unit.decodeTime, after: settings.clockPeriodMax) {
            packetizer.writeClock(clock(at: unit.decodeTime), pid: clockPID, into: &bytes)
            clockAt = unit.decodeTime
        }
        let isClock = carried.pid == clockPID && isClockDue(at: unit.decodeTime, after: .zero)
        if isClock { clockAt = unit.decodeTime }
        packetizer.write(
            pes(unit, carried, payload),
            pid: carried.pid,
            clock: isClock ? clock(at: unit.decodeTime) : nil,
            isRandomAccess: unit.isKeyframe && (carried.track.kind == .video || !hasVideo),
            into: &bytes
        )
        return Packets(bytes: bytes, beginsWithTables: hasTables)
    }

    private var hasVideo: Bool { carried.contains { $0.track.kind == .video } }
    private var clockPID: PID { carried.first?.pid ?? .null }

    private func areTablesDue(_ unit: AccessUnit, _ carried: Carried) -> Bool {
        guard let tablesAt else { return true }
        if carried.track.kind == .video, unit.isKeyframe { return true }
        return unit.decodeTime < tablesAt || unit.decodeTime - tablesAt >= settings.tablePeriod
    }

    private mutating func writeTables(at time: MediaTime, into bytes: inout ByteBuffer) {
        let association = ProgramAssociation(programs: [.init(number: 1, mapPID: Self.mapPID)])
        let map = ProgramMap(clockPID: clockPID, streams: carried.map { $0.form.stream(on: $0.pid) })
        packetizer.write(association.section(version: 0), pid: .programAssociation, into: &bytes)
        packetizer.write(map.section(version: mapVersion), pid: Self.mapPID, into: &bytes)
        tablesAt = time
    }

    // MARK: Time

    /// The clock only goes forward, as far as decode times do.
    private func isClockDue(at time: MediaTime, after period: MediaTime) -> Bool {
        guard let clockAt else { return true }
        return time < clockAt - settings.clockLead || time - clockAt >= period
    }

    private func stamp(_ time: MediaTime) -> TSTimestamp { TSTimestamp(time + settings.timeOffset) }

    private func clock(at time: MediaTime) -> TSTimestamp {
        TSTimestamp(time + settings.timeOffset - settings.clockLead)
    }

    private func pes(_ unit: AccessUnit, _ carried: Carried, _ payload: ByteBuffer) -> ByteBuffer {
        PESWriter.packet(
            streamID: carried.form.pesStreamID,
            presentation: stamp(unit.presentationTime),
            decode: unit.compositionOffset == .zero ? nil : stamp(unit.decodeTime),
            payload: payload
        )
    }
}

package struct TSMuxerSettings: Hashable, Sendable {
    /// Tables at least this often; the most that players should wait (ETSI TR 101 290 §5.2.1 allows 0.5 s).
    package var tablePeriod = MediaTime(milliseconds: 200)
    /// The clock after this time with the next unit, so that it comes every 0.1 s (ISO/IEC 13818-1 §2.7.2).
    package var clockPeriodMax = MediaTime(milliseconds: 70)
    /// How long before its decode time a unit may come in: as far as sound and picture of one stream are interleaved apart.
    package var clockLead = MediaTime(milliseconds: 200)
    /// Added to all times, so that a stream's first clock is not below zero.
    package var timeOffset = MediaTime(seconds: 1)

    package init() {}
}
