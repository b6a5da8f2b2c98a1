package import Timebase

/// Decides which pictures one encoder gets when it cannot take all: every second one, every third, and so on, never a
/// keyframe. Judges by the length of the queue and the time of the media alone.
package struct PictureShedder: Sendable {
    package private(set) var keepOneIn = 1
    private var sinceKept = 0
    private var changedAt: MediaTime?
    private var atWorstSince: MediaTime?
    private let limits: TranscodingLimits

    package init(limits: TranscodingLimits = TranscodingLimits()) { self.limits = limits }

    /// - Parameters:
    ///   - depth: Pictures that wait already.
    ///   - room: How many of their size may wait.
    package mutating func admits(at time: MediaTime, depth: Int, of room: PictureRoom, isKeyframe: Bool) -> Bool {
        adjust(at: time, depth: depth, high: room.high)
        sinceKept += 1
        if isKeyframe {
            sinceKept = 0
            return true
        }
        // The last place is a keyframe's.
        guard sinceKept >= keepOneIn, depth < room.max - 1 else { return false }
        sinceKept = 0
        return true
    }

    /// For so long has dropping at the worst not helped that the machine needs less work.
    package func isOverwhelmed(at time: MediaTime) -> Bool {
        atWorstSince.map { time - $0 >= limits.giveUpAfter } ?? false
    }

    /// Some work was taken away: see first what that does.
    package mutating func relieved() { atWorstSince = nil }

    private mutating func adjust(at time: MediaTime, depth: Int, high: Int) {
        let sinceChange = time - (changedAt ?? time)
        if depth >= high {
            if keepOneIn == limits.keepOneInMax {
                atWorstSince = atWorstSince ?? time
            } else if changedAt == nil || sinceChange >= limits.stepDownAfter {
                keepOneIn += 1
                changedAt = time
            }
        } else {
            if keepOneIn < limits.keepOneInMax || depth <= limits.picturesCalm { atWorstSince = nil }
            if depth <= limits.picturesCalm, keepOneIn > 1, sinceChange >= limits.stepUpAfter {
                keepOneIn -= 1
                changedAt = time
            }
        }
    }
}
