package import Timebase

/// The source's keyframes that are in the decoder. What decoders themselves mark as keyframes is not what containers do
/// (recovery points, for one).
package struct KeyframeTimes: Sendable {
    /// In the order of decoding, which for keyframes is that of showing.
    private var times: [MediaTime] = []

    package init() {}

    package mutating func insert(_ time: MediaTime) { times.append(time) }

    /// Whether a keyframe is shown at `time`, or was lost just before it: then this picture has to stand in.
    package mutating func take(upTo time: MediaTime) -> Bool {
        let passed = times.prefix { $0 <= time }.count
        times.removeFirst(passed)
        return passed > 0
    }
}
