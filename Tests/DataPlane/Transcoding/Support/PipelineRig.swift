import MediaModel
import Timebase
import Transcoding

/// A pipeline whose output is read until its renditions have ended.
struct PipelineRig<Codecs: VideoCodecs> {
    let pipeline: TranscodePipeline<Codecs>
    private let outputs: AsyncStream<TranscodeOutput>

    init(
        _ codecs: Codecs,
        source: CodecParameters,
        limits: TranscodingLimits = TranscodingLimits(),
        probes: EncoderProbes = EncoderProbes()
    ) {
        let (stream, feed) = AsyncStream<TranscodeOutput>.makeStream()
        outputs = stream
        pipeline = TranscodePipeline(codecs: codecs, source: source, limits: limits, probes: probes) { feed.yield($0) }
    }

    /// What came out until `count` renditions have ended.
    func results(ended count: Int) async -> Results {
        var results = Results()
        for await output in outputs {
            results.take(output)
            if results.ends.count == count { break }
        }
        return results
    }
}

struct Results {
    private(set) var codecs: [String: [CodecParameters]] = [:]
    private(set) var choices: [String: [EncoderChoice]] = [:]
    private(set) var pictures: [String: [EncodedPicture]] = [:]
    private(set) var ends: [String: RenditionEnd] = [:]

    mutating func take(_ output: TranscodeOutput) {
        switch output {
        case .encoder(let choice, let name): choices[name, default: []].append(choice)
        case .codec(let codec, let name): codecs[name, default: []].append(codec)
        case .picture(let picture, let name): pictures[name, default: []].append(picture)
        case .ended(let end, let name): ends[name] = end
        }
    }

    /// Times of showing, sorted.
    func times(_ name: String) -> [MediaTime] { (pictures[name] ?? []).map(\.presentationTime).sorted() }

    func keyframes(_ name: String) -> [MediaTime] {
        (pictures[name] ?? []).filter(\.isKeyframe).map(\.presentationTime)
    }
}

func rendition(_ name: String, width: Int, height: Int, isInOrder: Bool = false) -> Rendition {
    var rendition = Rendition(
        name: name,
        size: PictureSize(width: width, height: height),
        videoBitsPerSecond: 60_000,
        audioBitsPerSecond: 64_000
    )
    rendition.isInOrder = isInOrder
    return rendition
}
