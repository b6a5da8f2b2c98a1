import CCurl

/// One request under way: a libcurl easy handle and what it points to. Lives on the client's thread only.
final class Transfer {
    let order: TransferOrder
    let easy: UnsafeMutableRawPointer
    /// When the silence has lasted too long; nil unless it is a stream.
    private(set) var silenceEnds: ContinuousClock.Instant?

    private let limits: HTTPClientLimits
    private var requestHeaders: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var head = HTTPResponseHead(status: 0)
    private var headBytes = 0
    private var isHeadComplete = false
    private var bodyBytes = 0
    /// Why a callback told libcurl to stop.
    private var failure: HTTPClientError?

    init(_ order: TransferOrder, limits: HTTPClientLimits, caFile: String?) throws(HTTPClientError) {
        guard let easy = curl_easy_init() else { throw .closed }
        self.order = order
        self.easy = easy
        self.limits = limits
        errorText.initialize(repeating: 0)
        noteActivity()
        try setRequest()
        try setHeaders()
        setTransport(caFile: caFile)
        setCallbacks()
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(requestHeaders)
        errorText.deallocate()
    }

    /// Why the transfer must end now although libcurl has not ended it.
    func interruption(at now: ContinuousClock.Instant) -> HTTPClientError? {
        if order.cancellation.isRequested { return .cancelled }
        if let silenceEnds, silenceEnds <= now { return .timedOut(order.request.timeout) }
        return nil
    }

    func result(_ code: CURLcode) -> Result<Void, HTTPClientError> {
        if let failure { return .failure(failure) }
        switch code {
        case CURLE_OK: return .success(())
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: return .failure(.badRequest(reason(code)))
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: return .failure(.cannotConnect(reason(code)))
        case CURLE_OPERATION_TIMEDOUT: return .failure(timeout)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM:
            return .failure(.untrusted(reason(code)))
        default: return .failure(.connectionLost(reason(code)))
        }
    }

    private var timeout: HTTPClientError {
        var sentAfter: curl_off_t = 0
        ccurl_get_offset(easy, CURLINFO_PRETRANSFER_TIME_T, &sentAfter)
        if sentAfter > 0 { return .timedOut(order.request.timeout) }
        return .cannotConnect("no connection within \(min(limits.connectTimeout, order.request.timeout))")
    }

    private func reason(_ code: CURLcode) -> String {
        let text = errorText.baseAddress.map { String(cString: $0) } ?? ""
        return text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
    }
}

// MARK: - Setting up

extension Transfer {
    private func setRequest() throws(HTTPClientError) {
        let request = order.request
        guard ccurl_set_string(easy, CURLOPT_URL, request.url) == CURLE_OK else {
            throw .badRequest("its URL is malformed")
        }
        ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        guard request.method == .put || request.method == .post else { return }
        ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
        let code = request.body.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                // An empty body must not be nil, which would mean one read from standard input.
                text.baseAddress.map { ccurl_set_string(easy, CURLOPT_COPYPOSTFIELDS, $0) }
                    ?? ccurl_set_string(easy, CURLOPT_COPYPOSTFIELDS, "")
            }
        }
        guard code == CURLE_OK else { throw .badRequest("no memory for its body") }
    }

    private func setHeaders() throws(HTTPClientError) {
        // No `Expect: 100-continue`: it costs a round trip, and no server of ours asks for it.
        var lines = ["Expect:"]
        for header in order.request.headers {
            guard !header.name.isEmpty,
                header.name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }),
                !header.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F })
            else { throw .badRequest("a header holds characters no header may") }
            // libcurl takes a name without value as an order to leave the header out, and wants a semicolon instead.
            lines.append(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
        }
        for line in lines {
            guard let list = curl_slist_append(requestHeaders, line) else {
                throw .badRequest("no memory for its headers")
            }
            requestHeaders = list
        }
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, requestHeaders)
    }

    private func setTransport(caFile: String?) {
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        ccurl_set_string(easy, CURLOPT_PROXY, "")
        // Resolver timeouts by signal would hit whatever thread is at hand.
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
        ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(limits.connectTimeout.wholeMilliseconds))
        if !order.isStream {
            ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(order.request.timeout.wholeMilliseconds))
        }
        if let caFile { ccurl_set_string(easy, CURLOPT_CAINFO, caFile) }
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText.baseAddress)
    }

    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.deliver(bytes, size * count, context) { $0.receiveHeaderLine($1) }
        }
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.deliver(bytes, size * count, context) { $0.receiveBody($1) }
        }
    }

    /// Answers libcurl with the count it gave, or with another one, which makes it stop.
    private static func deliver(
        _ bytes: UnsafeMutablePointer<CChar>?,
        _ count: Int,
        _ context: UnsafeMutableRawPointer?,
        to receive: (Transfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let bytes, let context, count > 0 else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        return receive(transfer, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }
}

// MARK: - Receiving

extension Transfer {
    private func noteActivity() {
        if order.isStream { silenceEnds = .now + order.request.timeout }
    }

    /// One line of a head; also of an interim 1xx head, which the next one replaces, and of trailers, which are ignored.
    private func receiveHeaderLine(_ bytes: UnsafeRawBufferPointer) -> Bool {
        noteActivity()
        headBytes += bytes.count
        guard headBytes <= limits.responseHeadBytesMax else {
            failure = .responseTooLarge(bytesMax: limits.responseHeadBytesMax)
            return false
        }
        guard !isHeadComplete else { return true }
        let line = String(decoding: bytes, as: UTF8.self).trimming { $0 == "\r\n" || $0 == "\n" || $0 == "\r" }
        if line.hasPrefix("HTTP/") {
            let fields = line.split(separator: " ", maxSplits: 2)
            head = HTTPResponseHead(status: fields.count > 1 ? Int(fields[1]) ?? 0 : 0)
        } else if line.isEmpty {
            completeHead()
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].trimming { $0 == " " || $0 == "\t" }
            head.headers.append(HTTPHeader(String(line[..<colon]), value))
        }
        return true
    }

    private func completeHead() {
        guard head.status >= 200 else { return }
        isHeadComplete = true
        order.onHead(head)
    }

    private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        noteActivity()
        bodyBytes += bytes.count
        guard order.isStream || bodyBytes <= limits.responseBodyBytesMax else {
            failure = .responseTooLarge(bytesMax: limits.responseBodyBytesMax)
            return false
        }
        order.onBytes(Array(bytes))
        return true
    }
}

extension StringProtocol {
    fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> String {
        let start = firstIndex { !isTrimmed($0) } ?? endIndex
        let end = lastIndex { !isTrimmed($0) }.map(index(after:)) ?? start
        return String(self[start..<end])
    }
}
