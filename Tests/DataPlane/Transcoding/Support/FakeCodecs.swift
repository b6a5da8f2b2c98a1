import Dispatch
import MediaModel
import Synchronization
import Timebase
import Transcoding

import struct NIOCore.ByteBuffer

/// Codecs that do nothing but wait at gates: a unit is its picture, a picture its encoding.
struct FakeCodecs: VideoCodecs {
    struct Picture: VideoPicture {
        var presentationTime: MediaTime
        var size = PictureSize(width: 64, height: 64)
        var displaySize: PictureSize { size }
        var colours: PictureColours { .unspecified }
    }

    let decoding = Gate()
    /// By height of the rung.
    let encoding: [Int: Gate]

    init(heights: [Int]) { encoding = Dictionary(uniqueKeysWithValues: heights.map { ($0, Gate()) }) }

    func decoder(for codec: CodecParameters) throws(CodecPortError) -> any VideoDecoding<Picture> {
        FakeDecoder(gate: decoding)
    }

    func scaler(to size: PictureSize) throws(CodecPortError) -> any VideoScaling<Picture> { FakeScaler() }

    func encoder(_ settings: VideoEncoderSettings) throws(CodecPortError) -> any VideoEncoding<Picture> {
        guard let gate = encoding[settings.size.height] else { throw .encoderMissing(name: settings.encoder) }
        return FakeEncoder(gate: gate)
    }
}

/// Lets through, or holds up until it is opened; tells whoever asks that somebody has come.
final class Gate: Sendable {
    private let isOpen = Mutex(true)
    private let opening = DispatchSemaphore(value: 0)
    private let arrivals = AsyncStream<Void>.makeStream()

    func close() { isOpen.withLock { $0 = false } }

    func open() {
        isOpen.withLock { $0 = true }
        opening.signal()
    }

    func pass() {
        arrivals.continuation.yield()
        guard !isOpen.withLock({ $0 }) else { return }
        opening.wait()
    }

    /// Returns when `count` more have come.
    func arrived(_ count: Int = 1) async {
        var left = count
        for await _ in arrivals.stream {
            left -= 1
            if left == 0 { return }
        }
    }
}

private final class FakeDecoder: VideoDecoding {
    let gate: Gate

    init(gate: Gate) { self.gate = gate }

    func decode(_ unit: AccessUnit) throws(CodecPortError) -> [FakeCodecs.Picture] {
        gate.pass()
        return [FakeCodecs.Picture(presentationTime: unit.presentationTime)]
    }

    func finish() -> [FakeCodecs.Picture] { [] }
}

private final class FakeScaler: VideoScaling {
    func scale(_ picture: FakeCodecs.Picture) throws(CodecPortError) -> FakeCodecs.Picture { picture }
}

private final class FakeEncoder: VideoEncoding {
    let gate: Gate
    let codec = CodecParameters.data

    init(gate: Gate) { self.gate = gate }

    func encode(_ picture: FakeCodecs.Picture, asKeyframe: Bool) throws(CodecPortError) -> [EncodedPicture] {
        gate.pass()
        let time = picture.presentationTime
        return [
            EncodedPicture(decodeTime: time, presentationTime: time, isKeyframe: asKeyframe, payload: ByteBuffer())
        ]
    }

    func finish() throws(CodecPortError) -> [EncodedPicture] { [] }
}
