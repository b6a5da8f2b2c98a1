package import Timebase

/// What one viewer looks at in the messages or tags it gets.
package struct MediaCheck {
    static let stallMin = Duration.seconds(1)

    private enum Tag {
        static let audio: UInt8 = 8
        static let video: UInt8 = 9
    }

    private let openedAt: MonotonicInstant
    private var lastVideo: UInt32?
    private var lastAudio: UInt32?
    private var firstStamp: SendStamp?
    private var lastStamp: SendStamp?
    /// What the publisher's clock shows at timestamp zero of this stream.
    private var timelineStart: MonotonicInstant?
    private var lastMedia: MonotonicInstant?
    package private(set) var hasKeyframe = false

    package init(openedAt: MonotonicInstant) { self.openedAt = openedAt }

    /// The first and the last stamp of the window.
    var stampSpan: (first: SendStamp, last: SendStamp)? {
        guard let firstStamp, let lastStamp else { return nil }
        return (firstStamp, lastStamp)
    }

    /// Forgets what lies before the measured window.
    package mutating func windowBegins(at now: MonotonicInstant) {
        firstStamp = nil
        lastMedia = now
    }

    /// A viewer that waits for media as the window ends is stalled, too.
    package func windowEnds(at now: MonotonicInstant, _ meter: PlayMeter) {
        if let lastMedia, now - lastMedia > Self.stallMin { meter.stalls += 1 }
    }

    package mutating func receive(_ message: MessageHead, at now: MonotonicInstant, _ meter: PlayMeter) {
        switch message.type {
        case Tag.video: video(message, at: now, meter)
        case Tag.audio: audio(message, at: now, meter)
        default: return
        }
        if meter.isMeasuring {
            meter.bodyBytes += Int64(message.length)
            if let lastMedia, now - lastMedia > Self.stallMin { meter.stalls += 1 }
        }
        lastMedia = now
    }

    private mutating func video(_ message: MessageHead, at now: MonotonicInstant, _ meter: PlayMeter) {
        guard let first = message.byte(at: 0), isVideoFrame(first, message.byte(at: 1)) else { return }
        let isKeyframe = first >> 4 & 0x07 == 1
        if isKeyframe, !hasKeyframe {
            hasKeyframe = true
            meter.firstFrame.record(now - openedAt)
        }
        note(message.timestamp, after: &lastVideo, meter)
        if let stamp = SendStamp(videoBody: message) {
            take(stamp, timestamp: message.timestamp, at: now, meter)
        }
        guard meter.isMeasuring else { return }
        meter.videoFrames += 1
        if isKeyframe { meter.keyframes += 1 }
    }

    private mutating func audio(_ message: MessageHead, at now: MonotonicInstant, _ meter: PlayMeter) {
        guard let first = message.byte(at: 0), isAudioFrame(first, message.byte(at: 1)) else { return }
        note(message.timestamp, after: &lastAudio, meter)
        guard meter.isMeasuring else { return }
        meter.audioFrames += 1
        guard let timelineStart else { return }
        meter.audioDelay.record(now - (timelineStart + .milliseconds(Int64(message.timestamp))))
    }

    private mutating func take(
        _ stamp: SendStamp,
        timestamp: UInt32,
        at now: MonotonicInstant,
        _ meter: PlayMeter
    ) {
        timelineStart = stamp.sentAt + .milliseconds(-Int64(timestamp))
        if meter.isMeasuring {
            meter.videoDelay.record(now - stamp.sentAt)
            if firstStamp == nil { firstStamp = stamp }
            if let lastStamp { meter.lostFrames += max(0, stamp.sequence - lastStamp.sequence - 1) }
        }
        lastStamp = stamp
    }

    /// Equal timestamps are allowed; a step back, in the sense of a counter that wraps, is not.
    private func note(_ timestamp: UInt32, after last: inout UInt32?, _ meter: PlayMeter) {
        if meter.isMeasuring, let last, Int32(bitPattern: timestamp &- last) < 0 { meter.backwardsTimestamps += 1 }
        last = timestamp
    }

    /// Not a sequence header or the like (FLV 10.1 §E.4.3; Enhanced RTMP has the packet type in the first byte).
    private func isVideoFrame(_ first: UInt8, _ second: UInt8?) -> Bool {
        if first & 0x80 != 0 { return first & 0x0F == 1 || first & 0x0F == 3 }
        let avc: UInt8 = 7
        return first & 0x0F != avc || second == 1
    }

    private func isAudioFrame(_ first: UInt8, _ second: UInt8?) -> Bool {
        let (aac, enhanced): (UInt8, UInt8) = (10, 9)
        switch first >> 4 {
        case aac: return second == 1
        case enhanced: return first & 0x0F == 1
        default: return true
        }
    }
}
