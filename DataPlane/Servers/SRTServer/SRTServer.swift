import ClusterModel
import Logging
import Metrics
import NIOCore
package import Observability
package import SRT
import Streams
import Synchronization

/// Listens for SRT callers on a worker: the listener, the thread that reads, the threads that send.
package final class SRTServer: Sendable {
    package let service: SRTService
    private let running = Mutex<Running?>(nil)
    private let sessions = Mutex<[ObjectIdentifier: SRTSession]>([:])

    private struct Running {
        let listener: SRTListener
        let poller: SRTPoller
        let threads: SRTSendThreads
    }

    package init(service: SRTService) { self.service = service }

    /// Binds and serves until `close`. Returns the port.
    @discardableResult
    package func listen(
        host: String,
        port: Int,
        latency: Duration,
        passphrase: Redacted<String>?,
        sendThreads: Int
    ) throws -> Int {
        try SRTLibrary.start(logger: service.logger)
        let poller = try SRTPoller()
        let configuration = SRTListener.Configuration(
            host: host,
            port: port,
            latency: latency,
            passphrase: passphrase
        )
        let listener: SRTListener
        do {
            listener = try SRTListener(configuration) { self.rejection(of: $0, poller) }
        } catch {
            poller.close()
            throw error
        }
        let threads = SRTSendThreads(count: sendThreads)
        running.withLock { $0 = Running(listener: listener, poller: poller, threads: threads) }
        poller.add(listener) { _ in
            while let socket = listener.accept() {
                self.begin(SRTSession(socket: socket, service: self.service, poller: poller, threads: threads))
            }
        }
        return listener.port
    }

    /// Takes no more callers, says goodbye to those who are left, and ends the threads.
    package func close() async {
        let ended = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let ended else { return }
        ended.listener.close()
        await withCheckedContinuation { continuation in
            ended.poller.execute {
                for session in self.sessions.withLock({ Array($0.values) }) { session.end() }
                continuation.resume()
            }
        }
        ended.poller.close()
        ended.threads.close()
    }

    private func begin(_ session: SRTSession) {
        let key = ObjectIdentifier(session)
        sessions.withLock { $0[key] = session }
        session.start { _ = self.sessions.withLock { $0.removeValue(forKey: key) } }
    }

    /// Asked by libsrt in the receive thread of all sockets of the port: memory only. Telling is the poller's work.
    private func rejection(of text: String, _ poller: SRTPoller) -> SRTRejection? {
        guard let refusal = service.screen(text) else { return nil }
        poller.execute { [service] in
            service.meters.refused(refusal.reason)
            service.logger.notice(
                "SRT caller refused",
                metadata: [LogKeys.reason: "\(refusal.reason)", LogKeys.error: "\(refusal.description)"]
            )
        }
        return refusal.rejection
    }
}

/// What a caller is told, and what the operator is.
struct SRTScreening {
    let rejection: SRTRejection
    let reason: String
    let description: String

    init(_ error: SRTStreamIDError) {
        (rejection, reason, description) = (error.rejection, "bad_stream_id", error.description)
    }

    init(_ refusal: Refusal) {
        (rejection, reason, description) = (refusal.srtRejection, refusal.reason, refusal.description)
    }
}

extension SRTService {
    /// The code that refuses a caller, as far as this node knows by itself; nil lets it in.
    package func rejection(ofStreamID text: String) -> SRTRejection? { screen(text)?.rejection }

    func screen(_ text: String) -> SRTScreening? {
        guard connections.count < limits.connectionsMax else {
            return SRTScreening(.overloaded("\(limits.connectionsMax) SRT connections"))
        }
        do {
            let request = try SRTStreamID(parsing: text)
            let wish = try request.wish
            return refusal(of: wish.mode, wish.stream).map(SRTScreening.init)
        } catch let error as SRTStreamIDError {
            return SRTScreening(error)
        } catch let error as NameError {
            return SRTScreening(.badName(error))
        } catch {
            return SRTScreening(.unavailable("\(error)"))
        }
    }

    private func refusal(of mode: SRTStreamID.Mode, _ stream: StreamID) -> Refusal? {
        switch mode {
        case .publish: screen.refusal(toPublish: stream)
        case .request: screen.refusal(toPlay: stream)
        case .undecided:
            // Only what neither a publisher nor a player may do is refused before it is known which of them this is.
            !takesPublishers || screen.refusal(toPublish: stream) != nil ? screen.refusal(toPlay: stream) : nil
        }
    }
}

extension SRTStreamID {
    /// What is derived of a stream has players alone.
    var wish: (stream: StreamID, mode: Mode) {
        get throws(NameError) {
            if mode == .publish { return (try StreamID(app: app, id: name), mode) }
            let stream = try StreamID(playable: app, id: name)
            return (stream, stream.derivation == nil ? mode : .request)
        }
    }
}

/// Players are shared out over these in turn.
final class SRTSendThreads: Sendable {
    private let threads: [SRTSendThread]
    private let turn = Atomic<Int>(0)

    init(count: Int) { threads = (0..<max(1, count)).map(SRTSendThread.init) }

    var next: SRTSendThread {
        threads[turn.wrappingAdd(1, ordering: .relaxed).oldValue % threads.count]
    }

    func close() { for thread in threads { thread.close() } }
}
