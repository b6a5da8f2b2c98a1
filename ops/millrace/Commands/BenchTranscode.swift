import ArgumentParser
import ClusterModel
import Codecs
import Dispatch
import FLV
import Foundation
import LibAV
import MediaModel
import NIOCore
import Synchronization
import Timebase
import Transcoding

struct BenchTranscode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcode",
        abstract: "Encodes the rungs of a ladder from a file, as fast as it goes.",
        discussion: "ops/bench-transcode runs the ffmpeg program beside it."
    )

    @Argument(help: "An FLV file with H.264 video.") var file: String
    @Option(help: "A rung, HEIGHT:BITS_PER_SECOND. May be given more than once.") var rung: [String] = []
    @Option(help: "libavcodec's name of the encoder.") var encoder = "libx264"
    @Option(help: "The encoder's word for speed.") var speed = "veryfast"
    @Option(help: "Threads of each encoder.") var threads = 1
    @Flag(help: "Answer with JSON.") var json = false

    private struct Figures: Codable {
        var mediaSeconds: Double
        var cpuSeconds: Double
        var cpuSecondsPerMediaSecond: Double
        var peakResidentKiB: Int
        var pictures: [String: Int]
    }

    /// Coded units and pictures that may wait: enough for no thread to run dry.
    private static let waitingMax = 16

    func run() throws {
        let clip = try VideoFile(path: file)
        let size = clip.codec.displaySize ?? (0, 0)
        let plan = RenditionPlan(Ladder(try rungs()), source: PictureSize(width: size.width, height: size.height))
        let done = DispatchSemaphore(value: 0)
        let counts = Mutex<[String: Int]>([:])
        // Measured is the encoding of every picture, so none may be dropped; the file waits instead.
        var limits = TranscodingLimits()
        limits.unitsMax = .max
        limits.picturesMax = .max
        limits.picturesHigh = .max
        let pipeline = TranscodePipeline(codecs: LibAVCodecs(), source: clip.codec, limits: limits) { output in
            switch output {
            case .encoder, .codec: break
            case .picture(_, let name): counts.withLock { $0[name, default: 0] += 1 }
            case .ended: done.signal()
            }
        }
        let options = VideoEncodingOptions(
            encoders: [EncoderWords(encoder: encoder, speed: speed)],
            framesPerSecond: clip.framesPerSecond,
            threadsMax: threads
        )
        for rendition in plan.renditions { pipeline.start(rendition, options) }
        for unit in clip.units {
            while pipeline.queueDepth > Self.waitingMax { usleep(2000) }
            pipeline.send(unit)
        }
        pipeline.close()
        for _ in plan.renditions { done.wait() }
        try show(figures(clip, counts.withLock { $0 }))
    }

    private func rungs() throws -> [EncoderSetting] {
        try rung.map { text in
            let numbers = text.split(separator: ":").compactMap { Int($0) }
            guard numbers.count == 2 else { throw ValidationError("--rung \(text): give HEIGHT:BITS_PER_SECOND") }
            return EncoderSetting(height: numbers[0], videoBitrate: numbers[1], audioBitrate: 0, forceEncode: true)
        }
    }

    private func figures(_ clip: VideoFile, _ pictures: [String: Int]) -> Figures {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        return Figures(
            mediaSeconds: clip.seconds,
            cpuSeconds: cpu,
            cpuSecondsPerMediaSecond: cpu / max(clip.seconds, 1e-9),
            peakResidentKiB: Int(usage.ru_maxrss),
            pictures: pictures
        )
    }

    private func show(_ figures: Figures) throws {
        try Output.show(figures, json: json) {
            let pictures = figures.pictures.sorted { $0.key > $1.key }.map { "\($0.key) \($0.value)" }
            return String(
                format: "%.1f s of media, %.2f s of CPU (%.3f a second), %d MiB at most; pictures: %@",
                figures.mediaSeconds,
                figures.cpuSeconds,
                figures.cpuSecondsPerMediaSecond,
                figures.peakResidentKiB / 1024,
                pictures.joined(separator: ", ")
            )
        }
    }
}

/// The video of an FLV file.
private struct VideoFile {
    let codec: CodecParameters
    let units: [AccessUnit]

    init(path: String) throws {
        var reader = FLVTagReader()
        reader.append(ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: path))))
        var codec: CodecParameters?
        var units: [AccessUnit] = []
        while let tag = try reader.next() {
            guard tag.header.type == .video else { continue }
            switch try FLVMediaTag.video(tag.body) {
            case .sequenceHeader(.avc, let configuration): codec = try .h264(avcC: configuration)
            case .frame(let frame):
                units.append(
                    AccessUnit(
                        track: .video,
                        decodeTime: MediaTime(milliseconds: Int64(tag.header.timestamp)),
                        compositionOffset: MediaTime(milliseconds: Int64(frame.compositionOffsetMilliseconds)),
                        isKeyframe: frame.isKeyframe,
                        payload: frame.payload
                    )
                )
            case .sequenceHeader, .endOfSequence, .ignored: continue
            }
        }
        guard let codec, !units.isEmpty else { throw ValidationError("\(path) holds no H.264 video in FLV") }
        self.codec = codec
        self.units = units
    }

    var framesPerSecond: Double { codec.framesPerSecond ?? 30 }
    var seconds: Double { Double(units.count) / framesPerSecond }
}
