package import MediaModel
package import Timebase

/// Decides, at the origin only, where segments and parts begin. All other nodes follow the marks it puts into the stream.
///
/// Rules, in order:
/// 1. The first segment opens at the first video keyframe. Audio that is alone for a segment's duration opens it itself.
/// 2. A change of media tracks, or a break in the timeline, opens a segment with `isDiscontinuous`.
/// 3. With video, cuts lie only before video units; a keyframe at least `segmentDuration` in opens a segment.
/// 4. Without video, or while it pauses, cuts lie before audio units, segments by duration alone.
/// 5. Playlists may not change the target duration that their first segment set (RFC 8216 §4.3.3.1): a later segment is cut
///    where it stands before it rounds to more, and any at `segmentDurationsMax` × its duration. Who begins to play there sees
///    nothing before the next keyframe; so a keyframe opens a segment early where the next one would come too late.
/// 6. A part ends before the unit that would make it longer than `partDuration`.
/// 7. The first segment of a new owner ends with a part, however short: until it does, players have nothing new. The second
///    makes it up to a whole one: else it would wait for the keyframe after the next, and be nearly twice as long.
package struct SegmentCutter: Sendable {
    private struct OpenSegment {
        var sequence: UInt64
        var discontinuity: UInt64
        var start: MediaTime
        /// Its duration is counted from here.
        var countedFrom: MediaTime
        var wallTime: WallTime
        var part: UInt32 = 0
        var partStart: MediaTime
    }

    private let settings: PackagingSettings
    private let limits: CutterLimits
    private let resume: ResumePoint
    private var tracks: [Track] = []
    /// Of `tracks`: all that a unit is asked for.
    private var kinds: [(id: TrackID, kind: TrackKind)] = []
    private var hasVideo = false
    private var segment: OpenSegment?
    /// EXT-X-TARGETDURATION as it is since the first segment ended.
    private var targetSeconds: Int64?
    private var tracksChanged = false
    private var firstTime: MediaTime?
    /// Decode time of the newest unit of any track, and of each kind.
    private var lastTime: MediaTime?
    private var lastVideo: MediaTime?
    private var lastAudio: MediaTime?
    /// From one unit of the kind that carries cuts to the next: how long the coming one will last.
    private var interval = MediaTime.zero
    private var keyframes = KeyframeDistances()

    package init(settings: PackagingSettings, resume: ResumePoint, limits: CutterLimits = CutterLimits()) {
        self.settings = settings
        self.limits = limits
        self.resume = resume
    }

    /// The mark to put into the stream immediately before `item`, if the stream is to be cut there.
    package mutating func receive(_ item: StreamItem, at wallTime: WallTime) -> CutMark? {
        switch item {
        case .tracks(let tracks):
            replaceTracks(tracks)
            return nil
        case .unit(let unit):
            guard let kind = kinds.first(where: { $0.id == unit.track })?.kind else { return nil }
            defer { note(unit, kind) }
            return mark(before: unit, kind, at: wallTime)
        case .cut: return nil
        }
    }

    /// Where a next owner would continue right now. Its discontinuity number is the current one: who hands it to the next
    /// owner counts the break.
    package var next: ResumePoint {
        guard let segment, let lastTime else { return resume }
        return ResumePoint(
            sequence: segment.sequence + 1,
            discontinuity: segment.discontinuity,
            mediaTime: max(lastTime + interval, segment.start)
        )
    }

    /// As `next`, but still ahead of every player when it is `delay` old: the sequence is raised by as many segments as can
    /// open meanwhile, so a report that was the owner's last makes no media sequence go back.
    package func next(after delay: Duration) -> ResumePoint {
        guard let segment else { return resume }
        let time = MediaTime(milliseconds: delay.milliseconds)
        let due = settings.segmentDuration.ticks - limits.segmentRounding.ticks
        // A keyframe may end any of them early (rule 5), also when none has so far.
        let shortest = max(hasVideo ? due / 2 : due, 1)
        var point = next
        point.sequence += UInt64(clamping: (time.ticks + shortest - 1) / shortest)
        if isFirstOfTakeover(segment), time > .zero { point.sequence += 1 }
        point.mediaTime = point.mediaTime + time
        return point
    }

    private mutating func replaceTracks(_ replacement: [Track]) {
        if Self.media(of: replacement) != Self.media(of: tracks) { tracksChanged = true }
        tracks = replacement
        kinds = replacement.map { ($0.id, $0.kind) }
        hasVideo = kinds.contains { $0.kind == .video }
    }

    /// What segments hold of the tracks: layers beside them come and go without a cut.
    private static func media(of tracks: [Track]) -> [TrackID: CodecParameters] {
        let media = tracks.filter { $0.kind != .data }.map { ($0.id, $0.codec) }
        return Dictionary(media) { first, _ in first }
    }

    private mutating func note(_ unit: AccessUnit, _ kind: TrackKind) {
        guard kind != .data else { return }
        if firstTime == nil { firstTime = unit.decodeTime }
        if kind == .video, unit.isKeyframe { keyframes.note(unit.decodeTime) }
        lastTime = unit.decodeTime
        let before = kind == .video ? lastVideo : lastAudio
        if kind == .video { lastVideo = unit.decodeTime } else { lastAudio = unit.decodeTime }
        if let before, (kind == .video) == hasVideo, unit.decodeTime > before,
            unit.decodeTime - before < limits.videoPauseMax
        {
            interval = unit.decodeTime - before
        }
    }

    private mutating func mark(before unit: AccessUnit, _ kind: TrackKind, at wallTime: WallTime) -> CutMark? {
        guard kind != .data else { return nil }
        let isVideoKeyframe = kind == .video && unit.isKeyframe
        guard let segment else {
            let waited = firstTime.map { unit.decodeTime - $0 >= settings.segmentDuration } ?? false
            return !hasVideo || isVideoKeyframe || waited ? openFirstSegment(at: unit.decodeTime, wallTime) : nil
        }
        if tracksChanged || isBreak(unit) {
            return openSegment(after: segment, at: unit.decodeTime, wallTime, isBreak: true)
        }

        let age = unit.decodeTime - segment.start
        let partAge = unit.decodeTime - segment.partStart
        guard kind == .video || !hasVideo || partAge >= limits.videoPauseMax else { return nil }
        let isDue = unit.decodeTime - segment.countedFrom + limits.segmentRounding >= settings.segmentDuration
        let isEarly = !isDue && isVideoKeyframe && isLastKeyframeInTime(age)
        if isOverdue(age) || isEarly || (isDue && (isVideoKeyframe || !hasVideo)) {
            return openSegment(after: segment, at: unit.decodeTime, wallTime, isBreak: false)
        }
        guard partAge > .zero, partAge + interval > settings.partDuration + limits.partRounding else { return nil }
        // Playlists name a new owner's media once there is a whole segment of it: the first is one part.
        if isFirstOfTakeover(segment) {
            return openSegment(after: segment, at: unit.decodeTime, wallTime, isBreak: false)
        }
        return openPart(of: segment, at: unit.decodeTime)
    }

    private func isFirstOfTakeover(_ segment: OpenSegment) -> Bool {
        resume.sequence > 0 && segment.sequence == resume.sequence
    }

    /// Whether a segment that is this old, and goes on for another frame, would be too long.
    private func isOverdue(_ age: MediaTime) -> Bool {
        if age.ticks >= settings.segmentDuration.ticks * limits.segmentDurationsMax { return true }
        guard let targetSeconds else { return false }
        return age > .zero && (age + interval).wholeSeconds > targetSeconds
    }

    /// Whether the segment could not wait for the keyframe after this one, if that comes as late as others did.
    private func isLastKeyframeInTime(_ age: MediaTime) -> Bool {
        guard let distance = keyframes.longest, age + age >= settings.segmentDuration else { return false }
        return isOverdue(age + distance - interval)
    }

    private func isBreak(_ unit: AccessUnit) -> Bool {
        guard let lastTime else { return false }
        return unit.decodeTime - lastTime > limits.timelineGapMax || lastTime - unit.decodeTime > limits.timelineGapMax
    }

    private mutating func openFirstSegment(at time: MediaTime, _ wallTime: WallTime) -> CutMark {
        let opened = OpenSegment(
            sequence: resume.sequence,
            discontinuity: resume.discontinuity,
            start: time,
            countedFrom: time,
            wallTime: wallTime,
            partStart: time
        )
        return open(opened, isDiscontinuous: resume.sequence > 0 || resume.discontinuity > 0)
    }

    private mutating func openSegment(
        after segment: OpenSegment,
        at time: MediaTime,
        _ wallTime: WallTime,
        isBreak: Bool
    ) -> CutMark {
        // One that was cut short does not tell how far keyframes are apart.
        if targetSeconds == nil, !isFirstOfTakeover(segment) {
            let end = isBreak ? lastTime.map { $0 + interval } ?? time : time
            targetSeconds = max((end - segment.start).wholeSeconds, settings.segmentDuration.wholeSeconds, 1)
        }
        let opened = OpenSegment(
            sequence: segment.sequence + 1,
            discontinuity: segment.discontinuity + (isBreak ? 1 : 0),
            start: time,
            countedFrom: isFirstOfTakeover(segment) && !isBreak ? segment.start : time,
            wallTime: wallTime,
            partStart: time
        )
        return open(opened, isDiscontinuous: isBreak)
    }

    private mutating func openPart(of segment: OpenSegment, at time: MediaTime) -> CutMark {
        var opened = segment
        opened.part += 1
        opened.partStart = time
        return open(opened, isDiscontinuous: false)
    }

    private mutating func open(_ opened: OpenSegment, isDiscontinuous: Bool) -> CutMark {
        segment = opened
        tracksChanged = false
        let window = UInt64(clamping: settings.windowSegments)
        return CutMark(
            sequence: opened.sequence,
            part: opened.part,
            discontinuity: opened.discontinuity,
            isDiscontinuous: isDiscontinuous,
            mediaTime: opened.partStart,
            wallTime: opened.wallTime,
            oldestSequence: max(resume.sequence, opened.sequence > window ? opened.sequence - window : 0)
        )
    }
}

/// How far the last few keyframes were apart.
private struct KeyframeDistances {
    /// A pause of the publisher counts for so many groups of pictures.
    private static let countMax = 8

    private var last: MediaTime?
    private var distances: [MediaTime] = []

    mutating func note(_ time: MediaTime) {
        if let last, time > last {
            distances.append(time - last)
            if distances.count > Self.countMax { distances.removeFirst() }
        }
        last = time
    }

    var longest: MediaTime? { distances.max() }
}
