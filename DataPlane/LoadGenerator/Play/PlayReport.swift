/// What a play run found. Counts and delays are of the measured window, but for `firstFrame` and `failures`.
package struct PlayReport: Codable, Sendable {
    /// What the server's processes used in the window.
    package struct Server: Codable, Sendable {
        package var cpuSeconds: Double
        package var cpuSecondsPerGigabit: Double
        package var residentKiBBefore: Int
        package var residentKiBAtEnd: Int
        package var residentKiBPerViewer: Double
        package var packetsPerCPUSecond: Double?
    }

    package var transport: PlayOptions.Transport
    package var viewers: Int
    /// Viewers that had media and still had their connection at the end.
    package var playing: Int
    package var seconds: Double
    package var wireBytes: Int64
    package var gigabits: Double
    package var bodyBytes: Int64
    /// Delivered bodies over what the publisher sent meanwhile; nil when the stream carries no send stamps.
    package var deliveredRatio: Double?
    package var videoFrames: Int
    package var audioFrames: Int
    package var keyframes: Int
    package var lostFrames: Int64
    package var stalls: Int
    package var backwardsTimestamps: Int
    /// Milliseconds, as everything below.
    package var firstFrame: SpreadSummary?
    package var videoDelay: SpreadSummary?
    /// WHEP: to a picture's last packet at the viewer's socket. Until it is read there the generator serves other viewers, so
    /// this is what the server is answerable for.
    package var arrivalDelay: SpreadSummary?
    package var audioDelay: SpreadSummary?
    /// HLS: from the send time of a part's last video frame to the part at the viewer.
    package var partDelay: SpreadSummary?
    package var playlistReloads: Int?
    package var sequenceGaps: Int?
    /// WHEP: RTP packets, and holes in their numbers.
    package var packets: Int64?
    package var lostPackets: Int64?
    /// WHEP: the viewers' estimates of RFC 3550 §6.4.1; reading in batches is part of it.
    package var jitter: SpreadSummary?
    package var server: Server?
    package var generatorCPUSeconds: Double
    /// Why viewers ended, with how many.
    package var failures: [String: Int]

    package static let deliveredRatioMin = 0.95

    /// What makes the run not count, in words; empty when all is well.
    package var faults: [String] {
        var faults: [String] = []
        if playing < viewers { faults.append("only \(playing) of \(viewers) viewers played to the end") }
        if let ratio = deliveredRatio, ratio < Self.deliveredRatioMin {
            faults.append("only \(Int(ratio * 100)) % of the bytes were delivered")
        }
        if stalls > 0 { faults.append("\(stalls) stalls of more than a second") }
        if backwardsTimestamps > 0 { faults.append("\(backwardsTimestamps) timestamps went back") }
        if let gaps = sequenceGaps, gaps > 0 { faults.append("\(gaps) gaps in the media sequence") }
        if let lost = lostPackets, lost > 0 { faults.append("\(lost) packets were lost") }
        return faults
    }
}
