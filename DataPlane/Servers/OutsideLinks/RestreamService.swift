package import ClusterModel
package import FanOut
package import Logging
import Metrics
import Observability
import RTMP
import SRT
package import Streams
import Synchronization

/// Pushes streams of this node to servers outside of the cluster.
package final class RestreamService: Sendable {
    private struct Push {
        var stream: LiveStream
        var restream: Restream
        var runner: LinkRunner
    }

    private static let failures = MetricNames.outsideFailures.counter("push")

    private let pushes = Mutex<[StreamID: [Push]]>([:])
    private let gate: any StreamGate
    private let egress: EgressMeter
    private let logger: Logger

    package init(gate: any StreamGate, egress: EgressMeter, logger: Logger) {
        self.gate = gate
        self.egress = egress
        self.logger = logger
    }

    /// These and no others are to run for the stream.
    package func want(_ restreams: [Restream], of stream: LiveStream) {
        let (begun, ended) = pushes.withLock { pushes -> ([Push], [Push]) in
            let present = pushes[stream.id] ?? []
            let kept = present.filter { $0.stream === stream && restreams.contains($0.restream) }
            let begun = restreams.filter { wanted in !kept.contains { $0.restream == wanted } }.map {
                Push(stream: stream, restream: $0, runner: LinkRunner(id: $0.id))
            }
            let all = kept + begun
            pushes[stream.id] = all.isEmpty ? nil : all
            return (begun, present.filter { old in !kept.contains { $0.runner === old.runner } })
        }
        for push in ended { push.runner.cancel() }
        for push in begun { start(push) }
    }

    package func drop(_ stream: StreamID) {
        for push in pushes.withLock({ $0.removeValue(forKey: stream) }) ?? [] { push.runner.cancel() }
    }

    package func status(of stream: StreamID) -> [LinkStatus] {
        pushes.withLock { $0[stream] }?.map(\.runner.status) ?? []
    }

    private func start(_ push: Push) {
        var logger = logger
        logger[metadataKey: LogKeys.stream] = "\(push.stream.id)"
        logger[metadataKey: LogKeys.url] = "\(OutsideURL.shown(push.restream.url))"
        logger.info("stream is being pushed")
        let stream = push.stream
        push.runner.start { [gate, egress, logger] runner in
            do throws(OutsideURL.Fault) {
                switch try LinkAddress(push.restream.url) {
                case .rtmp(let address): return await Self.push(stream, to: address, runner, egress, gate)
                case .srt(let address): return await Self.push(stream, to: address, runner, egress, logger)
                case .hls: throw .scheme("HLS")
                }
            } catch {
                return .failed("\(error)")
            }
        } onFailure: { [logger] reason in
            Self.failures.increment()
            logger.warning("stream is not pushed now", metadata: [LogKeys.reason: "\(reason)"])
        } onOver: {
            self.forget(push)
        }
    }

    private func forget(_ push: Push) {
        pushes.withLock { pushes in
            pushes[push.stream.id]?.removeAll { $0.runner === push.runner }
            if pushes[push.stream.id]?.isEmpty == true { pushes[push.stream.id] = nil }
        }
    }

    private static func push(
        _ stream: LiveStream,
        to address: LinkAddress.RTMP,
        _ runner: LinkRunner,
        _ egress: EgressMeter,
        _ gate: any StreamGate
    ) async -> LinkEnd {
        // Other servers take no more of Enhanced RTMP than players do.
        var request = PlayRequest(stream: stream.id, protocol: .rtmp, remoteAddress: nil, token: nil)
        request.isOfPresentPlayer = true
        let form: LiveStream
        do throws(Refusal) { form = try await gate.play(request) } catch { return .failed("\(error)") }
        let ends = LinkEnds()
        let push = RTMPPush(form, egress: egress, onMedia: { runner.mediaFlows() }, onEnd: ends.tell)
        return await ends.wait(stop: push.stop) {
            try await RTMPLink.open(address, for: .publish, user: push, on: form.loop)
        }
    }

    private static func push(
        _ stream: LiveStream,
        to address: LinkAddress.SRT,
        _ runner: LinkRunner,
        _ egress: EgressMeter,
        _ logger: Logger
    ) async -> LinkEnd {
        // This node may have no SRT listener.
        do throws(SRTError) { try SRTLibrary.start(logger: logger) } catch { return .failed("\(error)") }
        let ends = LinkEnds()
        let push = SRTPush(stream, address, egress: egress, onMedia: { runner.mediaFlows() }, onEnd: ends.tell)
        return await ends.wait(stop: push.stop) { push.start() }
    }
}
