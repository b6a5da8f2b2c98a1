import DequeModule
package import Timebase

/// One stream to one viewer: numbers, timestamps, repeats and reports (RFC 3550, RFC 4588).
///
/// It outlives its source: with another origin the same SSRC goes on, its numbers and timestamps growing.
package struct SendStream: Sendable {
    package struct Configuration: Sendable {
        package var ssrc: SSRC
        package var payloadType: PayloadType
        package var clockRate: Int64
        /// Nil: repeats go out as they were, on the stream itself.
        package var repair: (ssrc: SSRC, payloadType: PayloadType)?
        package var extensions: HeaderExtensionMap
        package var history = PacketHistoryLimits()

        package init(
            ssrc: SSRC,
            payloadType: PayloadType,
            clockRate: Int64,
            repair: (ssrc: SSRC, payloadType: PayloadType)? = nil,
            extensions: HeaderExtensionMap = HeaderExtensionMap()
        ) {
            self.ssrc = ssrc
            self.payloadType = payloadType
            self.clockRate = clockRate
            self.repair = repair
            self.extensions = extensions
        }
    }

    package let configuration: Configuration
    package private(set) var packetsSent: UInt32 = 0
    package private(set) var octetsSent: UInt32 = 0
    package private(set) var packetsRepeated: Int64 = 0
    package var roundTrip: Duration? { roundTrips.last }
    /// Packets wait long on their way, and what is lost is asked for late.
    package var isPathNarrow: Bool {
        get { history.isPathNarrow }
        set { history.isPathNarrow = newValue }
    }
    /// Of 256, from the viewer's last report.
    package private(set) var fractionLost: UInt8 = 0

    /// Of the viewer's last reports.
    private var roundTrips: Deque<Duration> = []
    private static let roundTripsMax = 8

    private var sequence: UInt16
    private var repairSequence: UInt16
    private let timestampOffset: UInt32
    private var history: PacketHistory
    /// Of the packets that `packets` and `repeats` give.
    package let writer: PacketWriter

    /// First numbers are drawn, as RFC 3550 §5.1 wants them.
    package init(_ configuration: Configuration, using random: inout some RandomNumberGenerator) {
        self.configuration = configuration
        // Not near the wrap: some SRTP receivers lose count when the first packets arrive across it.
        sequence = UInt16.random(in: 0..<0x8000, using: &random)
        repairSequence = UInt16.random(in: 0..<0x8000, using: &random)
        timestampOffset = UInt32.random(in: 0...UInt32.max, using: &random)
        history = PacketHistory(limits: configuration.history)
        writer = PacketWriter(configuration)
    }

    package func timestamp(of time: MediaTime) -> UInt32 {
        UInt32(truncatingIfNeeded: time.samples(atRate: configuration.clockRate)) &+ timestampOffset
    }

    /// Gives each payload of the frame its number. The packets are remembered for repeats.
    package mutating func packets(for frame: PacketizedFrame, at now: MonotonicInstant) -> OutgoingPackets {
        let packets = OutgoingPackets(frame.train, sequence: sequence, timestamp: timestamp(of: frame.presentationTime))
        sequence &+= UInt16(truncatingIfNeeded: packets.count)
        packetsSent &+= UInt32(packets.count)
        octetsSent &+= UInt32(truncatingIfNeeded: frame.payloadBytes)
        history.append(packets, at: now)
        return packets
    }

    /// The newest packets were not sent, and will not be: those that follow have their numbers, so that nobody misses them.
    package mutating func takeBack(_ newest: [OutgoingPackets]) {
        guard let first = newest.first else { return }
        sequence = first.sequence(first.startIndex)
        history.forget(from: sequence)
        for packets in newest {
            packetsSent &-= UInt32(packets.count)
            octetsSent &-= UInt32(truncatingIfNeeded: packets.payloadBytes)
        }
    }

    /// The repeats for a NACK, each of one packet. One asked for again within a round trip is on its way already.
    package mutating func repeats(of sequences: [UInt16], at now: MonotonicInstant) -> [OutgoingPackets] {
        // The shortest is the path's own. Reports wait in queues and for busy receivers, which makes others longer than what a
        // receiver waits before it asks again: browsers that send nothing guess 100 ms, and a refusal costs as much once more.
        let pause = min(max((roundTrips.min() ?? .zero) * 3 / 4, .milliseconds(5)), .milliseconds(200))
        return sequences.compactMap { wanted in
            guard let (packets, place) = history.take(wanted, pause: pause, at: now) else { return nil }
            packetsRepeated += 1
            guard configuration.repair != nil else { return OutgoingPackets(repeating: place, of: packets, onRTX: nil) }
            defer { repairSequence &+= 1 }
            return OutgoingPackets(repeating: place, of: packets, onRTX: repairSequence)
        }
    }

    /// `mediaNow` is the place on the stream's timeline that `ntp` stands for, the same for all streams of a viewer.
    package func senderReport(mediaNow: MediaTime, ntp: NTPTime) -> SenderReport {
        SenderReport(
            ssrc: configuration.ssrc,
            ntpTime: ntp,
            rtpTimestamp: timestamp(of: mediaNow),
            packetCount: packetsSent,
            octetCount: octetsSent
        )
    }

    /// What the viewer saw of this stream; `ntp` is now.
    package mutating func receive(_ block: ReportBlock, ntp: NTPTime) {
        fractionLost = block.fractionLost
        guard block.lastSenderReport != 0 else { return }
        let units = ntp.middle &- block.lastSenderReport &- block.delaySinceLastSenderReport
        // Clocks that step make it negative, which here is huge.
        guard units < 60 << 16 else { return }
        roundTrips.append(.nanoseconds((Int64(units) * 1_000_000_000) >> 16))
        if roundTrips.count > Self.roundTripsMax { roundTrips.removeFirst() }
    }
}
