import MediaModel
import RTP
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// A sender and a receiver, both real, on a link that loses and delays; time is virtual.
private struct LossyPair {
    var forth: SimulatedLink<ByteBuffer>
    var back: SimulatedLink<ByteBuffer>
    var sender: SendStream
    var receiver: ReceiveStream
    var packetizer: Packetizer
    var now = MonotonicInstant(nanoseconds: 0)
    var received: [ReceivedFrame] = []
    var keyframesWanted = 0
    let media: PayloadType
    let repair: PayloadType

    init(seed: UInt64, lossPerMille: Int, usesRTX: Bool) throws {
        packetizer = try #require(try Packetizer(.vp8(width: 16, height: 16)))
        var conditions = SimulatedLink<ByteBuffer>.Conditions()
        conditions.lossPerMille = lossPerMille
        conditions.latency = .milliseconds(50)
        conditions.jitterMaxMilliseconds = 4
        forth = SimulatedLink(seed: seed, conditions: conditions)
        var backConditions = SimulatedLink<ByteBuffer>.Conditions()
        backConditions.lossPerMille = lossPerMille
        backConditions.latency = .milliseconds(50)
        back = SimulatedLink(seed: seed &+ 1, conditions: backConditions)
        media = try #require(PayloadType(96))
        repair = try #require(PayloadType(97))
        var random = SplitMix64(seed: seed)
        sender = SendStream(
            .init(
                ssrc: SSRC(1),
                payloadType: media,
                clockRate: 90_000,
                repair: usesRTX ? (ssrc: SSRC(2), payloadType: repair) : nil
            ),
            using: &random
        )
        receiver = ReceiveStream(ssrc: SSRC(1), codec: .vp8, payloadType: media, usesNack: true)
    }

    mutating func send(_ unit: AccessUnit) throws {
        transmit(sender.packets(for: try packetizer.packetize(unit), at: now))
    }

    private mutating func transmit(_ packets: OutgoingPackets) {
        for place in packets.indices {
            var bytes = ByteBuffer()
            sender.writer.write(packets, place, into: &bytes)
            forth.send(bytes, at: now)
        }
    }

    mutating func run(until end: MonotonicInstant) throws {
        while true {
            let next = [forth.nextArrival, back.nextArrival, receiver.nextDeadline].compactMap { $0 }.min() ?? end
            now = max(now, min(next, end))
            while let datagram = forth.receive(at: now) {
                let packet = try RTPPacket(parsing: datagram)
                if packet.ssrc == SSRC(2) {
                    receiver.receive(retransmission: packet, at: now)
                } else {
                    receiver.receive(packet, at: now)
                }
            }
            if let deadline = receiver.nextDeadline, deadline <= now { receiver.timeoutReached(at: now) }
            while let output = receiver.nextOutput() { take(output) }
            while let datagram = back.receive(at: now) {
                for case .nack(let nack) in try RTCPPacket.parse(datagram) {
                    for repeated in sender.repeats(of: nack.sequences, at: now) { transmit(repeated) }
                }
            }
            if next >= end { return }
        }
    }

    private mutating func take(_ output: ReceiveStream.Output) {
        switch output {
        case .frame(let frame): received.append(frame)
        case .nack(let sequences):
            let nack = GenericNack(sender: SSRC(9), media: SSRC(1), sequences: sequences)
            back.send(RTCPPacket.encode([.nack(nack)]), at: now)
        case .keyframeRequest: keyframesWanted += 1
        }
    }
}

@Suite struct LossRecoveryTests {
    /// Ten seconds of 30 pictures of some 4 packets each, with a keyframe of 20 KB at the begin only.
    private func play(seed: UInt64, lossPerMille: Int, usesRTX: Bool) throws -> (pair: LossyPair, sent: [ByteBuffer]) {
        var pair = try LossyPair(seed: seed, lossPerMille: lossPerMille, usesRTX: usesRTX)
        var random = SplitMix64(seed: seed ^ 0xFF)
        var sent: [ByteBuffer] = []
        for number in 0..<300 {
            let isKeyframe = number == 0
            var payload = ByteBuffer(bytes: [isKeyframe ? 0 : 1])
            payload.writeBytes(
                (0..<(isKeyframe ? 20_000 : 4000)).map { _ in UInt8.random(in: 0...255, using: &random) }
            )
            sent.append(payload)
            let time = MediaTime(ticks: Int64(number) * 3000)
            try pair.send(AccessUnit(track: .video, decodeTime: time, isKeyframe: isKeyframe, payload: payload))
            try pair.run(until: MonotonicInstant(nanoseconds: Int64(number + 1) * 33_333_333))
        }
        try pair.run(until: MonotonicInstant(nanoseconds: 12_000_000_000))
        return (pair, sent)
    }

    @Test(arguments: [10, 50, 100], [true, false])
    func `on a lossy path every picture arrives by repeats`(lossPerMille: Int, usesRTX: Bool) throws {
        var played = 0
        for seed in 1...5 as ClosedRange<UInt64> {
            let (pair, sent) = try play(seed: seed, lossPerMille: lossPerMille, usesRTX: usesRTX)
            // The first packet may be the lost one: then nothing before the next keyframe has a begin.
            guard pair.received.first?.isKeyframe == true else { continue }
            // What is lost of the last pictures nothing after them tells.
            played += 1
            #expect(pair.received.count >= sent.count - 3, "seed \(seed)")
            #expect(pair.received.map(\.payload) == Array(sent.prefix(pair.received.count)), "seed \(seed)")
            #expect(pair.sender.packetsRepeated > 0)
            let gaps = zip(pair.received.dropFirst(), pair.received).map { $0.timestamp - $1.timestamp }
            #expect(gaps.allSatisfy { $0 == 3000 }, "seed \(seed)")
        }
        #expect(played >= 3)
    }

    @Test func `without loss nothing is asked for and nothing repeated`() throws {
        let (pair, sent) = try play(seed: 3, lossPerMille: 0, usesRTX: true)
        #expect(pair.received.map(\.payload) == sent)
        #expect(pair.sender.packetsRepeated == 0)
        #expect(pair.keyframesWanted <= 1)
    }
}
