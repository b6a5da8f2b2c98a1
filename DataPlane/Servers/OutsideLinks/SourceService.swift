package import ClusterModel
package import HTTPClient
package import Logging
import Metrics
package import NIOCore
import Observability
import RTMP
import SRT
package import Streams
import Synchronization

/// Fetches streams from servers outside of the cluster, as the control plane orders, and publishes them here.
package final class SourceService: Sendable {
    private struct Pull {
        var source: StreamSource
        var runner: LinkRunner
        var intake: SourceIntake
    }

    private static let failures = MetricNames.outsideFailures.counter("pull")

    private let pulls = Mutex<[StreamID: Pull]>([:])
    private let poller = Mutex<SRTPoller?>(nil)
    private let gate: any StreamGate
    private let group: any EventLoopGroup
    private let http: HTTPClient
    private let logger: Logger

    package init(gate: any StreamGate, group: any EventLoopGroup, http: HTTPClient, logger: Logger) {
        self.gate = gate
        self.group = group
        self.http = http
        self.logger = logger
    }

    package var streams: [StreamID] { pulls.withLock { Array($0.keys) } }

    /// Harmless when it is fetched already.
    package func want(_ stream: StreamID, from source: StreamSource) {
        let isKnown = pulls.withLock { $0[stream]?.source.url == source.url }
        guard !isKnown else { return }
        drop(stream, isClean: true)
        start(stream, source)
    }

    /// `isClean`: the stream is over, and not only here.
    package func drop(_ stream: StreamID, isClean: Bool) {
        guard let pull = pulls.withLock({ $0.removeValue(forKey: stream) }) else { return }
        pull.runner.cancel()
        pull.intake.end(isClean: isClean)
    }

    package func status(of stream: StreamID) -> LinkStatus? { pulls.withLock { $0[stream] }?.runner.status }

    private func start(_ stream: StreamID, _ source: StreamSource) {
        let logger = logger(for: stream, source)
        let address: LinkAddress
        do throws(OutsideURL.Fault) { address = try LinkAddress(source.url) } catch {
            return logger.error("stream not fetched", metadata: [LogKeys.error: "\(error)"])
        }
        let runner = LinkRunner(id: "")
        let current = CurrentLink()
        let intake = SourceIntake(
            stream: stream,
            kind: address.kind,
            gate: gate,
            loop: group.next(),
            logger: logger,
            onMedia: { runner.mediaFlows() },
            onRefused: { current.end($0) }
        )
        pulls.withLock { $0[stream] = Pull(source: source, runner: runner, intake: intake) }
        logger.info("stream is being fetched")
        runner.start { _ in
            let end = await self.attempt(address, intake, current, logger)
            intake.end(isClean: end == .sourceEnded)
            return end
        } onFailure: { reason in
            Self.failures.increment()
            logger.warning("stream is not fetched now", metadata: [LogKeys.reason: "\(reason)"])
        } onOver: {
            self.forget(stream, runner)
        }
    }

    private func logger(for stream: StreamID, _ source: StreamSource) -> Logger {
        var logger = logger
        logger[metadataKey: LogKeys.stream] = "\(stream)"
        logger[metadataKey: LogKeys.url] = "\(OutsideURL.shown(source.url))"
        return logger
    }

    /// The next answer to a heartbeat orders it anew, if it is still wanted here.
    private func forget(_ stream: StreamID, _ runner: LinkRunner) {
        pulls.withLock { pulls in
            if pulls[stream]?.runner === runner { pulls[stream] = nil }
        }
    }

    private func attempt(
        _ address: LinkAddress,
        _ intake: SourceIntake,
        _ current: CurrentLink,
        _ logger: Logger
    ) async -> LinkEnd {
        let ends = LinkEnds()
        switch address {
        case .rtmp(let address):
            let pull = RTMPPull(intake, onEnd: ends.tell)
            current.begin(stop: pull.stop)
            let end = await ends.wait(stop: pull.stop) {
                try await RTMPLink.open(address, for: .play, user: pull, on: intake.loop)
            }
            return current.reason(or: end)
        case .srt(let address):
            guard let poller = readyPoller() else { return .failed("libsrt could not be started") }
            let pull = SRTPull(intake, address, poller: poller, logger: logger, onEnd: ends.tell)
            current.begin(stop: pull.stop)
            return current.reason(or: await ends.wait(stop: pull.stop) { pull.start() })
        case .hls(let url):
            let pull = HLSPull(intake, url, http: http)
            let task = Task { await pull.run() }
            current.begin(stop: task.cancel)
            let end = await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            return current.reason(or: end)
        }
    }

    private func readyPoller() -> SRTPoller? {
        poller.withLock { poller in
            if let poller { return poller }
            // This node may have no SRT listener.
            guard (try? SRTLibrary.start(logger: logger)) != nil else { return nil }
            poller = try? SRTPoller()
            return poller
        }
    }
}

/// How the connection of the moment is ended by the one who publishes what it brings.
private final class CurrentLink: Sendable {
    private struct State {
        var stop: (@Sendable () -> Void)?
        var end: LinkEnd?
    }

    private let state = Mutex(State())

    func begin(stop: @escaping @Sendable () -> Void) { state.withLock { $0 = State(stop: stop) } }

    /// Nil: there is nothing wrong, but another node is to go on.
    func end(_ reason: String?) {
        let stop = state.withLock { state in
            state.end = reason.map { .failed($0) } ?? .finished
            return state.stop
        }
        stop?()
    }

    func reason(or end: LinkEnd) -> LinkEnd { state.withLock { $0.end } ?? end }
}

extension LinkAddress {
    fileprivate var kind: ClientProtocol {
        switch self {
        case .rtmp: .rtmp
        case .srt: .srt
        case .hls: .hls
        }
    }
}
