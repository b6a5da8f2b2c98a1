import RTP
import TestSupport
import Timebase
import WebRTC

/// The receiving half of a browser: puts packets in order and asks for those that are missing.
struct TestPlayer {
    /// Of arrivals, where the pair was made with the extension for it.
    private static let extensions = HeaderExtensionMap([2: .transportSequence])

    private let pair: PeerPair
    private var stream: ReceiveStream?
    private var packetsTaken = 0
    private var reportsTaken = 0
    private var nextReport: MonotonicInstant
    private var arrivals = TransportFeedbackGenerator()
    private(set) var frames: [(frame: ReceivedFrame, arrivedAt: MonotonicInstant)] = []

    init(_ pair: PeerPair) {
        self.pair = pair
        nextReport = pair.now
    }

    mutating func run(for duration: Duration) throws {
        let end = pair.now + duration
        while pair.now < end {
            try pair.run(for: .milliseconds(5))
            let (packets, reports, now) = (pair.client.packets, pair.client.reports, pair.now)
            for packet in packets[packetsTaken...] { take(packet) }
            for case .senderReport(let report) in reports[reportsTaken...] { stream?.receive(report, at: now) }
            (packetsTaken, reportsTaken) = (packets.count, reports.count)
            stream?.timeoutReached(at: now)
            try drain()
            while let feedback = arrivals.feedback(sender: SSRC(1), media: SSRC(2), at: now) {
                try pair.client.send(rtcp: [.transportFeedback(feedback)])
            }
            try report(at: now)
        }
    }

    /// From which the session learns the round trip.
    private mutating func report(at now: MonotonicInstant) throws {
        guard now >= nextReport, let block = stream?.reportBlock(at: now) else { return }
        nextReport = now + .seconds(1)
        try pair.client.send(rtcp: [.receiverReport(ReceiverReport(ssrc: SSRC(1), blocks: [block]))])
    }

    /// The first packet is the picture's, as none before it is lost; any other source repeats.
    private mutating func take(_ packet: RTPPacket) {
        let known =
            stream
            ?? ReceiveStream(ssrc: packet.ssrc, codec: .vp8, payloadType: packet.payloadType, usesNack: true)
        stream = known
        let now = pair.now
        if let sequence = Self.extensions.read(packet.headerExtension).transportSequence {
            arrivals.received(sequence, at: now)
        }
        if packet.ssrc == known.ssrc {
            stream?.receive(packet, at: now)
        } else {
            stream?.receive(retransmission: packet, at: now)
        }
    }

    private mutating func drain() throws {
        while let output = stream?.nextOutput() {
            switch output {
            case .frame(let frame): frames.append((frame, pair.now))
            case .nack(let sequences):
                let media = stream?.ssrc ?? SSRC(0)
                let nack = GenericNack(sender: SSRC(1), media: media, sequences: sequences)
                try pair.client.send(rtcp: [.nack(nack)])
            case .keyframeRequest: break
            }
        }
    }
}
