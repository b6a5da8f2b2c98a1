import CCurl
import Foundation
import Synchronization

/// A request with everything its transfer needs.
struct TransferOrder: Sendable {
    var request: HTTPRequest
    var isStream: Bool
    var cancellation: Cancellation
    var onHead: @Sendable (HTTPResponseHead) -> Void
    var onBytes: @Sendable ([UInt8]) -> Void
    /// Called exactly once.
    var onEnd: @Sendable (Result<Void, HTTPClientError>) -> Void
}

/// A flag rather than a message, so that a cancellation that overtakes the start of its transfer is not lost.
final class Cancellation: Sendable {
    private let flag = Atomic(false)

    var isRequested: Bool { flag.load(ordering: .acquiring) }

    func request() { flag.store(true, ordering: .releasing) }
}

/// The thread that drives all transfers of one client, and the mailbox by which others reach it.
final class TransferLoop: Sendable {
    private struct Mailbox {
        var orders: [TransferOrder] = []
        /// Waiting in `orders` or under way.
        var requests = 0
        var isClosed = false
    }

    /// Sendable because only the thread uses the handle, but for `curl_multi_wakeup`, which any thread may call while
    /// the handle lives; the mailbox's lock and `isClosed` see to that.
    private struct MultiHandle: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    /// libcurl's global state is set up once in the life of the process, and never torn down.
    private static let globalInit = ccurl_global_init()

    private let limits: HTTPClientLimits
    private let caFile: String?
    private let multi: MultiHandle?
    private let mailbox: Mutex<Mailbox>

    init(limits: HTTPClientLimits, caFile: String?) {
        self.limits = limits
        self.caFile = caFile
        multi = Self.globalInit == CURLE_OK ? curl_multi_init().map(MultiHandle.init) : nil
        mailbox = Mutex(Mailbox(isClosed: multi == nil))
    }

    func start(threadName: String) {
        guard let multi else { return }
        ccurl_multi_set_long(multi.pointer, CURLMOPT_MAXCONNECTS, limits.idleConnectionsMax)
        ccurl_multi_set_long(multi.pointer, CURLMOPT_MAX_HOST_CONNECTIONS, limits.connectionsPerServerMax)
        let thread = Thread { self.run(multi.pointer) }
        thread.name = threadName
        thread.start()
    }

    // MARK: From any thread

    func begin(_ order: TransferOrder) {
        let refusal: HTTPClientError? = mailbox.withLock { mailbox in
            if mailbox.isClosed { return .closed }
            if mailbox.requests >= limits.requestsMax { return .tooManyRequests(requestsMax: limits.requestsMax) }
            mailbox.orders.append(order)
            mailbox.requests += 1
            wakeThread()
            return nil
        }
        if let refusal { order.onEnd(.failure(refusal)) }
    }

    func wake() {
        mailbox.withLock { mailbox in
            if !mailbox.isClosed { wakeThread() }
        }
    }

    func close() {
        mailbox.withLock { mailbox in
            guard !mailbox.isClosed else { return }
            mailbox.isClosed = true
            wakeThread()
        }
    }

    /// Called with the lock held and before the thread can have seen `isClosed`, so the handle lives.
    private func wakeThread() {
        if let multi { curl_multi_wakeup(multi.pointer) }
    }

    // MARK: On the thread

    private func run(_ multi: UnsafeMutableRawPointer) {
        var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let (orders, isClosed) = mailbox.withLock { mailbox in
                defer { mailbox.orders = [] }
                return (mailbox.orders, mailbox.isClosed)
            }
            for order in orders { add(order, to: multi, &transfers) }
            for (easy, transfer) in transfers {
                guard let error = isClosed ? .closed : transfer.interruption(at: .now) else { continue }
                finish(easy, .failure(error), multi, &transfers)
            }
            if isClosed { break }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            finishCompleted(multi, &transfers)
            curl_multi_poll(multi, nil, 0, pollTimeoutMilliseconds(transfers.values), nil)
        }
        curl_multi_cleanup(multi)
    }

    private func add(
        _ order: TransferOrder,
        to multi: UnsafeMutableRawPointer,
        _ transfers: inout [UnsafeMutableRawPointer: Transfer]
    ) {
        do throws(HTTPClientError) {
            let transfer = try Transfer(order, limits: limits, caFile: caFile)
            let code = curl_multi_add_handle(multi, transfer.easy)
            // Not taken over, it would never end, and its caller wait for ever.
            guard code == CURLM_OK else { throw .notStarted(String(cString: curl_multi_strerror(code))) }
            transfers[transfer.easy] = transfer
        } catch {
            mailbox.withLock { $0.requests -= 1 }
            order.onEnd(.failure(error))
        }
    }

    private func finishCompleted(
        _ multi: UnsafeMutableRawPointer,
        _ transfers: inout [UnsafeMutableRawPointer: Transfer]
    ) {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left)?.pointee {
            guard message.msg == CURLMSG_DONE, let easy = message.easy_handle, let transfer = transfers[easy] else {
                continue
            }
            finish(easy, transfer.result(message.data.result), multi, &transfers)
        }
    }

    private func finish(
        _ easy: UnsafeMutableRawPointer,
        _ result: Result<Void, HTTPClientError>,
        _ multi: UnsafeMutableRawPointer,
        _ transfers: inout [UnsafeMutableRawPointer: Transfer]
    ) {
        curl_multi_remove_handle(multi, easy)
        let transfer = transfers.removeValue(forKey: easy)
        mailbox.withLock { $0.requests -= 1 }
        transfer?.order.onEnd(result)
    }

    /// Until the first stream would have been silent for too long; libcurl knows its own timeouts.
    private func pollTimeoutMilliseconds(_ transfers: some Collection<Transfer>) -> Int32 {
        let longest = Duration.seconds(60)
        guard let first = transfers.compactMap(\.silenceEnds).min() else { return Int32(longest.wholeMilliseconds) }
        return Int32(min(longest, max(.zero, first - .now)).wholeMilliseconds)
    }
}

extension Duration {
    /// Rounded up, so that a wait is never short of its end.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
