import ClusterModel
import Dispatch
import Logging
import Metrics
import Observability
import Synchronization
import Transcoding

/// Tries the encoders of apps before anybody waits for them, and tells once what is missing.
final class EncoderNews: Sendable {
    /// Beyond, what was told is told again.
    private static let toldMax = 256

    let probes = EncoderProbes()
    private let told = Mutex<Set<String>>([])
    /// What apps wished for when they were last looked at.
    private let seen = Mutex<[String: [EncoderWords]]>([:])
    /// Opening one waits for devices.
    private let queue = DispatchQueue(label: "encoder-probe")

    /// Never waits.
    func prepare(_ settings: AppSettings, of app: String, by codecs: some VideoCodecs, _ logger: Logger) {
        let wanted = settings.ladder.isEmpty ? [] : EncoderWords.wanted(settings)
        let isNew = seen.withLock { seen in
            if seen.count >= Self.toldMax { seen.removeAll() }
            defer { seen[app] = wanted }
            return seen[app] != wanted
        }
        guard isNew, !wanted.isEmpty else { return }
        var logger = logger
        logger[metadataKey: "app"] = "\(app)"
        queue.async { [self, logger] in tell(choice(of: wanted, codecs), logger) }
    }

    private func choice(of wanted: [EncoderWords], _ codecs: some VideoCodecs) -> EncoderChoice {
        var refused: CodecPortError?
        for words in wanted {
            do throws(CodecPortError) {
                try probes.probe(words, by: codecs)
                return EncoderChoice(encoder: words.encoder, refused: refused)
            } catch { refused = refused ?? error }
        }
        return EncoderChoice(encoder: "", refused: refused)
    }

    func tell(_ choice: EncoderChoice, _ logger: Logger) {
        if let error = choice.refused {
            MetricNames.encodersRefused.counter(choice.encoder.isEmpty ? "none" : "fallback").increment()
            if isNews("\(error) \(choice.encoder)") { tell(error, instead: choice.encoder, logger) }
        }
        if choice.isHighDynamicRange, isNews(logger[metadataKey: LogKeys.stream].map { "HDR \($0)" } ?? "HDR") {
            logger.warning(
                "the source has high dynamic range, which its rungs carry in 8 bits: dark and bright areas may show steps",
                metadata: ["encoder": "\(choice.encoder)"]
            )
        }
    }

    private func tell(_ error: CodecPortError, instead encoder: String, _ logger: Logger) {
        let metadata: Logger.Metadata = [LogKeys.error: "\(error)"]
        if encoder.isEmpty {
            logger.error("no encoder can be opened: there are no renditions here", metadata: metadata)
        } else {
            logger.warning(
                "another encoder is used",
                metadata: metadata.merging(["encoder": "\(encoder)"]) { $1 }
            )
        }
    }

    private func isNews(_ text: String) -> Bool {
        told.withLock { told in
            if told.count >= Self.toldMax { told.removeAll() }
            return told.insert(text).inserted
        }
    }
}
