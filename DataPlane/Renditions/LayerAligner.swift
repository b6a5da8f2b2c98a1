import DequeModule
package import MediaModel
package import Timebase
package import Transcoding

/// Puts a layer's pictures behind the source's pictures of the same moment, and at their very times.
///
/// Layers of a simulcast are streams of their own, which come in any order and whose clocks agree to a few milliseconds. What
/// cuts and switches renditions wants them as an encoder would give them: later than the source and timed like it.
package struct LayerAligner: Sendable {
    private let limits: AlignerLimits
    private var sourceTimes: Deque<MediaTime> = []
    private var waiting: Deque<AccessUnit> = []
    private var last: MediaTime?

    package init(limits: AlignerLimits = AlignerLimits()) { self.limits = limits }

    /// A picture of the source, with all that was cut before it, is there. Returns the layer's that may follow.
    package mutating func sourceShowed(_ time: MediaTime) -> [EncodedPicture] {
        sourceTimes.append(time)
        if sourceTimes.count > limits.picturesMax { sourceTimes.removeFirst() }
        return release()
    }

    package mutating func take(_ unit: AccessUnit) -> [EncodedPicture] {
        waiting.append(unit)
        return release()
    }

    private mutating func release() -> [EncodedPicture] {
        var pictures: [EncodedPicture] = []
        while let unit = waiting.first, isDue(unit) || waiting.count > limits.picturesMax {
            waiting.removeFirst()
            pictures.append(picture(unit))
        }
        return pictures
    }

    private func isDue(_ unit: AccessUnit) -> Bool {
        sourceTimes.last.map { $0 + limits.tolerance >= unit.presentationTime } ?? false
    }

    private mutating func picture(_ unit: AccessUnit) -> EncodedPicture {
        var time = nearest(to: unit.presentationTime) ?? unit.presentationTime
        // Two may lie near one of the source's.
        if let last { time = max(time, last + MediaTime(ticks: 1)) }
        last = time
        return EncodedPicture(
            decodeTime: time,
            presentationTime: time,
            isKeyframe: unit.isKeyframe,
            payload: unit.payload
        )
    }

    private func nearest(to time: MediaTime) -> MediaTime? {
        let distance = { (other: MediaTime) in (other - time).ticks.magnitude }
        return sourceTimes.min { distance($0) < distance($1) }
            .flatMap { distance($0) <= limits.tolerance.ticks.magnitude ? $0 : nil }
    }
}

package struct AlignerLimits: Sendable {
    /// Less than half of what lies between pictures at 60 a second, and more than clocks told in sender reports are off.
    package var tolerance = MediaTime(milliseconds: 8)
    /// Two seconds of 60 a second: a source that stays away longer has another layer's pictures by then.
    package var picturesMax = 120

    package init() {}
}
