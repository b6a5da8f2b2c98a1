package import RTP
package import Timebase

/// What one WHEP viewer looks at in the packets it gets: holes in the numbers, frames, and how late they are.
package struct PacketCheck {
    private struct Source {
        let ssrc: SSRC
        var unwrapper = Unwrapper<UInt16>()
        var highest: Int64?
    }

    private let video: PayloadType
    private let openedAt: MonotonicInstant
    /// Two or three.
    private var sources: [Source] = []
    private var lastTimestamp: UInt32?
    private var frameHasKey = false
    private var frameHasHole = false
    private var frameStamp: SendStamp?
    private var lastStamp: SendStamp?
    private var firstStamp: SendStamp?
    private var lastMedia: MonotonicInstant?
    package private(set) var hasKeyframe = false
    private var videoSource: SSRC?
    /// Of the pictures' source.
    private var statistics = ReceptionStatistics(clockRate: MediaTime.ticksPerSecond)

    package init(video: PayloadType, openedAt: MonotonicInstant) {
        self.video = video
        self.openedAt = openedAt
    }

    package var stampSpan: (first: SendStamp, last: SendStamp)? {
        guard let firstStamp, let lastStamp else { return nil }
        return (firstStamp, lastStamp)
    }

    package mutating func windowBegins(at now: MonotonicInstant) {
        firstStamp = nil
        lastMedia = now
    }

    package mutating func windowEnds(at now: MonotonicInstant, _ meter: PlayMeter) {
        if let lastMedia, now - lastMedia > MediaCheck.stallMin { meter.stalls += 1 }
        guard let block = reportBlock(at: now) else { return }
        meter.jitter.record(.microseconds(Int64(block.jitter) * 1_000_000 / MediaTime.ticksPerSecond))
    }

    /// What is reported of the pictures; nil before the first.
    package mutating func reportBlock(at now: MonotonicInstant) -> ReportBlock? {
        videoSource.flatMap { statistics.block(for: $0, at: now) }
    }

    /// `packet` is one that SRTP has opened; `arrival` tells when it came to its socket.
    package mutating func receive(
        _ packet: borrowing Span<UInt8>,
        at now: MonotonicInstant,
        arrival: MonotonicInstant? = nil,
        _ meter: PlayMeter
    ) {
        guard let head = Head(packet) else { return }
        let lost = note(head, at: now)
        if meter.isMeasuring {
            meter.packets += 1
            meter.lostPackets += lost
            meter.bodyBytes += Int64(packet.count - head.payloadStart)
            if let lastMedia, now - lastMedia > MediaCheck.stallMin { meter.stalls += 1 }
        }
        lastMedia = now
        guard head.payloadType == video else {
            if meter.isMeasuring { meter.audioFrames += 1 }
            return
        }
        videoSource = head.ssrc
        take(packet, head, hasHole: lost > 0, at: now, arrival, meter)
    }

    /// How many packets before this one are missing. A late one makes up for what was counted.
    private mutating func note(_ head: Head, at now: MonotonicInstant) -> Int64 {
        let place = sources.firstIndex { $0.ssrc == head.ssrc } ?? sources.count
        if place == sources.count { sources.append(Source(ssrc: head.ssrc)) }
        let sequence = sources[place].unwrapper.unwrap(head.sequence)
        if head.payloadType == video { statistics.received(sequence: sequence, timestamp: head.timestamp, at: now) }
        guard let highest = sources[place].highest else {
            sources[place].highest = sequence
            return 0
        }
        guard sequence > highest else { return -1 }
        sources[place].highest = sequence
        return sequence - highest - 1
    }

    private mutating func take(
        _ packet: borrowing Span<UInt8>,
        _ head: Head,
        hasHole: Bool,
        at now: MonotonicInstant,
        _ arrival: MonotonicInstant?,
        _ meter: PlayMeter
    ) {
        if lastTimestamp != head.timestamp {
            if meter.isMeasuring, let lastTimestamp, Int32(bitPattern: head.timestamp &- lastTimestamp) < 0 {
                meter.backwardsTimestamps += 1
            }
            lastTimestamp = head.timestamp
            (frameHasKey, frameHasHole, frameStamp) = (false, false, nil)
        }
        let payload = packet.extracting(head.payloadStart..<packet.count)
        frameHasHole = frameHasHole || hasHole
        frameHasKey = frameHasKey || Self.beginsKeyframe(payload)
        // A stamp stands before the picture.
        if frameStamp == nil { frameStamp = SendStamp(lastIn: payload) }
        if head.isLast { frameEnds(at: now, arrival, meter) }
    }

    private mutating func frameEnds(
        at now: MonotonicInstant,
        _ arrival: MonotonicInstant?,
        _ meter: PlayMeter
    ) {
        if frameHasKey, !frameHasHole, !hasKeyframe {
            hasKeyframe = true
            meter.firstFrame.record(now - openedAt)
        }
        guard meter.isMeasuring else { return lastStamp = frameStamp ?? lastStamp }
        meter.videoFrames += 1
        if frameHasKey { meter.keyframes += 1 }
        guard let stamp = frameStamp else { return }
        meter.videoDelay.record(now - stamp.sentAt)
        if let arrival { meter.arrivalDelay.record(arrival - stamp.sentAt) }
        if firstStamp == nil { firstStamp = stamp }
        if let lastStamp { meter.lostFrames += max(0, stamp.sequence - lastStamp.sequence - 1) }
        lastStamp = stamp
    }

    /// H.264: an SPS, alone or first of a STAP-A (RFC 6184 §5.7.1), stands before each keyframe.
    private static func beginsKeyframe(_ payload: borrowing Span<UInt8>) -> Bool {
        guard payload.count > 3 else { return false }
        let (stapA, sps, idr): (UInt8, UInt8, UInt8) = (24, 7, 5)
        switch payload[0] & 0x1F {
        case stapA:
            var start = 1
            while start + 2 < payload.count {
                let type = payload[start + 2] & 0x1F
                if type == sps || type == idr { return true }
                start += 2 + Int(payload[start]) << 8 + Int(payload[start + 1])
            }
            return false
        case sps, idr: return true
        default: return false
        }
    }

    /// RFC 3550 §5.1, as far as it is looked at.
    private struct Head {
        let payloadType: PayloadType
        let isLast: Bool
        let sequence: UInt16
        let timestamp: UInt32
        let ssrc: SSRC
        let payloadStart: Int

        init?(_ bytes: borrowing Span<UInt8>) {
            guard bytes.count >= 12, let type = PayloadType(Int(bytes[1] & 0x7F)) else { return nil }
            payloadType = type
            isLast = bytes[1] & 0x80 != 0
            sequence = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            timestamp = (4..<8).reduce(0) { $0 << 8 | UInt32(bytes[$1]) }
            ssrc = SSRC((8..<12).reduce(0) { $0 << 8 | UInt32(bytes[$1]) })
            var start = 12 + 4 * Int(bytes[0] & 0x0F)
            if bytes[0] & 0x10 != 0 {
                guard bytes.count >= start + 4 else { return nil }
                start += 4 + 4 * (Int(bytes[start + 2]) << 8 | Int(bytes[start + 3]))
            }
            guard start < bytes.count else { return nil }
            payloadStart = start
        }
    }
}
