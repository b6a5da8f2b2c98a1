package import MediaModel
import Metrics
import Timebase

package enum SoundOutput: Sendable {
    /// Before the first unit.
    case codec(CodecParameters)
    case unit(AccessUnit)
    /// Nothing follows.
    case failed(CodecPortError)
}

/// One stream's sound in another codec, on a thread of its own.
package final class AudioPipeline: Sendable {
    private enum Order: Sendable {
        case source(CodecParameters)
        case unit(AccessUnit)
    }

    private let queue = WorkQueue<Order>()
    private let limits: TranscodingLimits

    /// - Parameter track: Of what comes out.
    /// - Parameter output: Called on the pipeline's thread. It may not wait.
    package init(
        codecs: any AudioCodecs,
        source: CodecParameters,
        track: TrackID,
        format: AudioFormat,
        limits: TranscodingLimits = TranscodingLimits(),
        output: @escaping @Sendable (SoundOutput) -> Void
    ) {
        self.limits = limits
        queue.append(.source(source))
        queue.serve(threadName: "sound") { [queue] in
            do throws(CodecPortError) {
                try Self.run(queue, output) { source throws(CodecPortError) in
                    try AudioTranscoder(codecs: codecs, source: source, track: track, format: format)
                }
            } catch {
                queue.close(discarding: true)
                output(.failed(error))
            }
        }
    }

    deinit { close() }

    /// The next unit of the source's sound. Never waits.
    package func send(_ unit: AccessUnit) {
        queue.change { waiting in
            guard waiting.count < limits.soundUnitsMax else { return TranscodingMeters.slowSound.increment() }
            waiting.append(.unit(unit))
        }
    }

    /// The next units need another decoder.
    package func sourceChanged(to codec: CodecParameters) { queue.append(.source(codec)) }

    package func close() { queue.close(discarding: true) }

    package var queueDepth: Int { queue.depth }

    private static func run(
        _ queue: WorkQueue<Order>,
        _ output: @Sendable (SoundOutput) -> Void,
        make: (CodecParameters) throws(CodecPortError) -> AudioTranscoder
    ) throws(CodecPortError) {
        var transcoder: AudioTranscoder?
        var newest: MediaTime?
        while let order = queue.next() {
            switch order {
            case .source(let codec):
                let made = try make(codec)
                if transcoder?.codec != made.codec { output(.codec(made.codec)) }
                transcoder = made
            case .unit(let unit):
                do throws(CodecPortError) {
                    for unit in try transcoder?.transcode(unit) ?? [] {
                        // A new encoder's beginning overlaps with the end of the last one.
                        if let newest, unit.decodeTime <= newest { continue }
                        newest = unit.decodeTime
                        output(.unit(unit))
                    }
                } catch {
                    TranscodingMeters.undecodable.increment()
                }
            }
        }
    }
}
