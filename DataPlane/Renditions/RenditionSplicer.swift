import DequeModule
package import MediaModel
package import Timebase
package import Transcoding

/// Joins a rung's pictures with the source's sound and cuts, which come earlier by the time an encoder takes.
///
/// A rung is cut into the source's segments: with their numbers, discontinuities and wall times, at the picture where the
/// source was cut. Its times of decoding may differ from the source's by the encoder's reordering, so a cut's media time is
/// its first picture's own. Parts are cut anew.
package struct RenditionSplicer: Sendable {
    package enum Output: Hashable, Sendable {
        case item(StreamItem)
        /// At least one whole segment is missing here.
        case gap
    }

    private struct Awaited: Sendable {
        var mark: CutMark
        /// Of showing, of the source's unit behind the mark.
        var time: MediaTime
        var isKeyframe: Bool

        func isReached(by picture: EncodedPicture) -> Bool {
            picture.presentationTime >= time && (picture.isKeyframe || !isKeyframe)
        }
    }

    private struct OpenPart: Sendable {
        var mark: CutMark
        var start: MediaTime
    }

    private let partDuration: MediaTime
    private let windowSegments: Int
    private let limits: SplicerLimits
    private var awaited: Deque<Awaited> = []
    private var sounds: Deque<AccessUnit> = []
    private var video: CodecParameters?
    private var layers: [Track] = []
    /// What the source has now; nil while it is not known what becomes of it.
    private var comingSound: [Track]?
    /// Of the open segment.
    private var sound: [Track] = []
    /// From the first picture on of a segment that waits for its sound to be known.
    private var held: Deque<EncodedPicture> = []
    private var told: [Track] = []
    private var open: OpenPart?
    private var lastTime: MediaTime?
    private var interval = MediaTime.zero
    /// The segment from which on older ones are kept; nil while none are.
    private var retainedSince: UInt64?
    private var isRetaining = false

    package init(partDuration: MediaTime, windowSegments: Int, limits: SplicerLimits = SplicerLimits()) {
        self.partDuration = partDuration
        self.windowSegments = windowSegments
        self.limits = limits
    }

    // MARK: The source

    /// What sound there is from here on; nil while an encoder of it opens.
    package mutating func soundTracks(_ tracks: [Track]?) -> [Output] {
        comingSound = tracks
        return tracks == nil ? [] : releaseHeld()
    }

    /// The source was cut before `unit`, with the first part of a segment.
    package mutating func cut(_ mark: CutMark, before unit: AccessUnit) {
        guard awaited.count < limits.cutsMax else { return }
        awaited.append(Awaited(mark: mark, time: unit.presentationTime, isKeyframe: unit.isKeyframe))
    }

    package mutating func take(sound unit: AccessUnit) {
        if sounds.count >= limits.soundUnitsMax { sounds.removeFirst() }
        sounds.append(unit)
    }

    /// While on, cuts name segments from the open one on as ones that can be had.
    package mutating func retainSegments(_ isOn: Bool) {
        isRetaining = isOn
        retainedSince = isOn ? open?.mark.sequence : nil
    }

    // MARK: The rung

    /// `layers` are those below it, of a rung that is one itself.
    package mutating func codec(_ codec: CodecParameters, layers: [Track] = []) {
        (video, self.layers) = (codec, layers)
    }

    package mutating func take(_ picture: EncodedPicture) -> [Output] {
        guard open == nil || held.isEmpty && !waitsForSound(picture) else {
            held.append(picture)
            guard held.count > limits.heldPicturesMax else { return [] }
            // The encoder does not come: rather without sound than not at all.
            comingSound = []
            return releaseHeld()
        }
        return pass(picture)
    }

    /// Tracks change with discontinuities only: what is not known by then would be missing up to the next one.
    private func waitsForSound(_ picture: EncodedPicture) -> Bool {
        comingSound == nil && awaited.contains { $0.mark.isDiscontinuous && $0.isReached(by: picture) }
    }

    private mutating func releaseHeld() -> [Output] {
        let pictures = held
        held.removeAll()
        return pictures.flatMap { pass($0) }
    }

    private mutating func pass(_ picture: EncodedPicture) -> [Output] {
        let passed = awaited.prefix { $0.isReached(by: picture) }.count
        guard open != nil || (passed > 0 && comingSound != nil) else { return [] }
        var outputs = soundOutputs(before: picture.decodeTime)
        if passed > 0 {
            if passed > 1, open != nil { outputs.append(.gap) }
            let mark = awaited[passed - 1].mark
            awaited.removeFirst(passed)
            outputs += segmentOutputs(mark, at: picture.decodeTime)
        } else if let part = nextPart(before: picture) {
            outputs.append(.item(.cut(part)))
        }
        note(picture)
        outputs.append(.item(.unit(unit(picture))))
        return outputs
    }

    private mutating func soundOutputs(before time: MediaTime) -> [Output] {
        var outputs: [Output] = []
        while let first = sounds.first, first.decodeTime < time {
            sounds.removeFirst()
            // What comes before the first segment belongs to none.
            if open != nil { outputs.append(.item(.unit(first))) }
        }
        return outputs
    }

    private mutating func segmentOutputs(_ mark: CutMark, at time: MediaTime) -> [Output] {
        var mark = mark
        mark.mediaTime = time
        mark.oldestSequence = oldestSequence(at: mark.sequence)
        open = OpenPart(mark: mark, start: time)
        // The source may have gone on to other sound, which begins with a discontinuity that is still to come.
        if !awaited.contains(where: \.mark.isDiscontinuous) { sound = comingSound ?? sound }
        let tracks = pictureTracks + sound
        guard tracks != told else { return [.item(.cut(mark))] }
        told = tracks
        return [.item(.tracks(tracks)), .item(.cut(mark))]
    }

    private var pictureTracks: [Track] {
        guard let video else { return [] }
        var track = Track(id: .video, codec: video)
        track.layers = layers
        return [track]
    }

    /// What of the source can be had says nothing of a rung: players of the one are not those of the other.
    private mutating func oldestSequence(at sequence: UInt64) -> UInt64 {
        guard isRetaining else { return sequence }
        let since = retainedSince ?? sequence
        retainedSince = since
        return max(since, sequence - min(UInt64(clamping: windowSegments), sequence))
    }

    private mutating func nextPart(before picture: EncodedPicture) -> CutMark? {
        guard let open else { return nil }
        let age = picture.decodeTime - open.start
        guard age > .zero, age + interval > partDuration + limits.partRounding else { return nil }
        var mark = open.mark
        mark.part += 1
        mark.mediaTime = picture.decodeTime
        mark.isDiscontinuous = false
        self.open = OpenPart(mark: mark, start: picture.decodeTime)
        return mark
    }

    private mutating func note(_ picture: EncodedPicture) {
        if let lastTime, picture.decodeTime > lastTime { interval = picture.decodeTime - lastTime }
        lastTime = picture.decodeTime
    }

    private func unit(_ picture: EncodedPicture) -> AccessUnit {
        AccessUnit(
            track: .video,
            decodeTime: picture.decodeTime,
            compositionOffset: picture.presentationTime - picture.decodeTime,
            isKeyframe: picture.isKeyframe,
            payload: picture.payload
        )
    }
}

package struct SplicerLimits: Sendable {
    /// Cuts an encoder may be behind the source.
    package var cutsMax = 32
    /// Sound that waits for pictures: 20 s of AAC. Beyond, the oldest goes.
    package var soundUnitsMax = 1000
    /// Pictures that wait for the encoder of new sound to open: 4 s of 60 a second.
    package var heldPicturesMax = 240
    /// Times are rounded to milliseconds by some publishers.
    package var partRounding = MediaTime(milliseconds: 2)

    package init() {}
}
