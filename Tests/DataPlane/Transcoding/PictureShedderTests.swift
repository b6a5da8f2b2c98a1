import Testing
import Timebase
import Transcoding

@Suite struct PictureShedderTests {
    private static let keyframeInterval = 60
    private static let room = PictureRoom(max: 12, high: 8)

    /// The numbers of the pictures kept, at 30 a second, when the queue's length is always `depth`.
    private func kept(_ count: Int, depth: Int, _ shedder: inout PictureShedder) -> [Int] {
        (0..<count).filter { number in
            shedder.admits(
                at: MediaTime(samples: Int64(number), rate: 30),
                depth: depth,
                of: Self.room,
                isKeyframe: number % Self.keyframeInterval == 0
            )
        }
    }

    @Test(arguments: [
        (PictureSize(width: 3840, height: 2160), PictureRoom(max: 12, high: 8)),
        (PictureSize(width: 1280, height: 720), PictureRoom(max: 27, high: 18)),
        (PictureSize(width: 256, height: 144), PictureRoom(max: 36, high: 24)),
        (PictureSize(width: 0, height: 0), PictureRoom(max: 36, high: 24)),
    ])
    func `more of small pictures may wait, and never fewer than of large ones`(size: PictureSize, room: PictureRoom) {
        #expect(TranscodingLimits().room(forPicturesOf: size) == room)
    }

    @Test func `an encoder that keeps up gets every picture`() {
        var shedder = PictureShedder()
        #expect(kept(300, depth: 3, &shedder) == Array(0..<300))
    }

    @Test func `what is dropped is dropped evenly, more of it step by step`() {
        var shedder = PictureShedder()
        let kept = kept(60, depth: 9, &shedder)
        // Half from the first picture on, a third after half a second, a quarter after another.
        #expect(kept == [0, 2, 4, 6, 8, 10, 12, 14, 17, 20, 23, 26, 29, 33, 37, 41, 45, 49, 53, 57])
        #expect(shedder.keepOneIn == 4)
    }

    @Test func `a keyframe is never dropped, and the last place is kept for it`() {
        var shedder = PictureShedder()
        #expect(kept(180, depth: Self.room.max, &shedder) == [0, 60, 120])
    }

    @Test func `less is dropped again once the queue is calm for a while`() {
        var shedder = PictureShedder()
        _ = kept(60, depth: 9, &shedder)
        var steps: [Int] = []
        for number in 60..<300 {
            let time = MediaTime(samples: Int64(number), rate: 30)
            _ = shedder.admits(at: time, depth: 0, of: Self.room, isKeyframe: false)
            if steps.last != shedder.keepOneIn { steps.append(shedder.keepOneIn) }
        }
        #expect(steps == [4, 3, 2, 1])
    }

    @Test func `it is overwhelmed only when dropping at the worst has not helped for long`() {
        var shedder = PictureShedder()
        // At the worst after one second, and five more.
        _ = kept(179, depth: 9, &shedder)
        #expect(!shedder.isOverwhelmed(at: MediaTime(milliseconds: 5966)))
        #expect(shedder.isOverwhelmed(at: MediaTime(milliseconds: 6067)))
        shedder.relieved()
        #expect(!shedder.isOverwhelmed(at: MediaTime(milliseconds: 6067)))
    }

    @Test func `a queue that dropping has calmed is not overwhelmed`() {
        var shedder = PictureShedder()
        _ = kept(100, depth: 9, &shedder)
        _ = shedder.admits(at: MediaTime(seconds: 4), depth: 1, of: Self.room, isKeyframe: false)
        #expect(!shedder.isOverwhelmed(at: MediaTime(seconds: 20)))
    }
}
