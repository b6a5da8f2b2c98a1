import Glibc
package import HTTPClient
package import NIOPosix
package import Observability
import Recorder
package import Timebase

/// Where recordings are copied to: a bucket of S3 or of what speaks like it.
package struct S3Settings: Sendable {
    /// `https://s3.eu-central-1.amazonaws.com`, or that of another server.
    package var endpoint: String
    package var bucket: String
    package var region: String
    package var accessKey: String
    package var secretKey: Redacted<String>

    package init(endpoint: String, bucket: String, region: String, accessKey: String, secretKey: Redacted<String>) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.region = region
        self.accessKey = accessKey
        self.secretKey = secretKey
    }
}

package enum S3Error: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(String)
    case answered(Int, String)
    case transfer(HTTPClientError)
    case malformed(String)

    package var description: String {
        switch self {
        case .unreadable(let path): "\(path) cannot be read"
        case .answered(let status, let words): "the store answered \(status): \(words)"
        case .transfer(let error): "the store cannot be reached: \(error)"
        case .malformed(let what): "the store's answer lacks \(what)"
        }
    }

    /// The same request may well be taken in a moment.
    fileprivate var mayPass: Bool {
        switch self {
        case .transfer: true
        case .answered(let status, _): status >= 500 || status == 429 || status == 408
        case .unreadable, .malformed: false
        }
    }
}

package struct S3Limits: Sendable {
    /// Above what a part is sent in parts; S3 takes none but the last below 5 MiB. Of files too long for `partsMax` of them, parts
    /// are longer.
    package var partBytes = 8 << 20
    /// What S3 takes.
    package var partsMax = 10_000
    /// A part over 0.2 Mbit/s.
    package var partTimeout = Duration.seconds(300)
    /// Before a part is sent again that the store did not take; then the whole file is tried again later.
    package var pauses: [Duration] = [.seconds(1), .seconds(5), .seconds(15)]

    package init() {}
}

/// Copies files into a bucket: large ones in parts, so that no more than one part is in memory and a lost connection costs
/// no more than one.
package struct S3Store: RecordingStore {
    private static let wordsMax = 300
    /// What the object is called when it is read.
    private static let objectType = "video/mp4"

    private let settings: S3Settings
    private let signer: RequestSigner
    private let http: HTTPClient
    private let threads: NIOThreadPool
    private let wall: @Sendable () -> WallTime
    private let limits: S3Limits

    package init(
        _ settings: S3Settings,
        http: HTTPClient,
        threads: NIOThreadPool,
        limits: S3Limits = S3Limits(),
        wall: @escaping @Sendable () -> WallTime
    ) {
        self.settings = settings
        signer = RequestSigner(accessKey: settings.accessKey, secretKey: settings.secretKey, region: settings.region)
        self.http = http
        self.threads = threads
        self.limits = limits
        self.wall = wall
    }

    package func store(_ path: String, app: String, file: String) async throws -> String {
        let key = "\(app)/\(file)"
        let partBytes = max(limits.partBytes, try await size(of: path) / limits.partsMax + 1)
        let first = try await read(path, at: 0, count: partBytes)
        if first.count < partBytes {
            _ = try await put(key, body: first)
        } else {
            try await storeInParts(path, first, as: key)
        }
        return "s3://\(settings.bucket)/\(key)"
    }

    private func storeInParts(_ path: String, _ first: [UInt8], as key: String) async throws {
        let begun = try await send(.post, key, query: "uploads=")
        guard let upload = Self.text(of: "UploadId", in: begun.body) else { throw S3Error.malformed("UploadId") }
        let query = "uploadId=\(Self.escaped(upload))"
        do {
            var part = first
            var tags: [String] = []
            while !part.isEmpty {
                let answer = try await put(key, query: "partNumber=\(tags.count + 1)&\(query)", body: part)
                guard let tag = answer.head["etag"] else { throw S3Error.malformed("ETag") }
                tags.append(tag)
                part = try await read(path, at: tags.count * first.count, count: first.count)
            }
            let parts = tags.enumerated().map {
                "<Part><PartNumber>\($0.offset + 1)</PartNumber><ETag>\($0.element)</ETag></Part>"
            }
            let list = "<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>"
            let answer = try await send(.post, key, query: query, type: "application/xml", body: Array(list.utf8))
            // The store may find out after it has begun to answer.
            if let code = Self.text(of: "Code", in: answer.body) { throw S3Error.answered(answer.status, code) }
        } catch {
            // Parts that belong to nothing would be paid for.
            _ = try? await send(.delete, key, query: query)
            throw error
        }
    }

    /// Sends what may be sent again, until the store takes it.
    private func put(_ key: String, query: String = "", body: [UInt8]) async throws -> HTTPResponse {
        for pause in limits.pauses {
            do throws(S3Error) { return try await send(.put, key, query: query, body: body) } catch {
                guard error.mayPass else { throw error }
            }
            try await Task.sleep(for: pause)
        }
        return try await send(.put, key, query: query, body: body)
    }

    private func size(of path: String) async throws -> Int {
        try await threads.runIfActive {
            var facts = stat()
            guard stat(path, &facts) == 0 else { throw S3Error.unreadable(path) }
            return Int(facts.st_size)
        }
    }

    private func read(_ path: String, at offset: Int, count wanted: Int) async throws -> [UInt8] {
        try await threads.runIfActive {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw S3Error.unreadable(path) }
            defer { close(descriptor) }
            var failed = false
            let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { space, count in
                while count < wanted {
                    let read = pread(
                        descriptor,
                        space.baseAddress?.advanced(by: count),
                        wanted - count,
                        off_t(offset + count)
                    )
                    if read < 0 { failed = true }
                    guard read > 0 else { break }
                    count += read
                }
            }
            if failed { throw S3Error.unreadable(path) }
            return bytes
        }
    }

    private func send(
        _ method: HTTPMethod,
        _ key: String,
        query: String = "",
        type: String = S3Store.objectType,
        body: [UInt8] = []
    ) async throws(S3Error) -> HTTPResponse {
        let endpoint = settings.endpoint.hasSuffix("/") ? String(settings.endpoint.dropLast()) : settings.endpoint
        let host = endpoint.firstRange(of: "://").map { String(endpoint[$0.upperBound...]) } ?? endpoint
        let path = "/\(settings.bucket)/\(key)"
        let subject = RequestSigner.Subject(
            method,
            host: host,
            path: path,
            query: query,
            headers: [HTTPHeader("content-type", type)],
            body: body
        )
        let request = HTTPRequest(
            method,
            endpoint + path + (query.isEmpty ? "" : "?\(query)"),
            headers: signer.headers(for: subject, at: wall()),
            body: body,
            timeout: limits.partTimeout
        )
        let response: HTTPResponse
        do throws(HTTPClientError) { response = try await http.send(request) } catch { throw .transfer(error) }
        guard (200..<300).contains(response.status) else {
            let words = Self.text(of: "Code", in: response.body) ?? String(decoding: response.body, as: UTF8.self)
            throw .answered(response.status, String(words.prefix(Self.wordsMax)))
        }
        return response
    }

    /// Of the first element of that name: all that is needed of the answers' XML.
    private static func text(of element: String, in xml: [UInt8]) -> String? {
        let text = String(decoding: xml, as: UTF8.self)
        guard let begin = text.firstRange(of: "<\(element)>"),
            let end = text[begin.upperBound...].firstRange(of: "</\(element)>")
        else { return nil }
        return String(text[begin.upperBound..<end.lowerBound])
    }

    /// For a value in a query (RFC 3986 §2.3).
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = character.isASCII && (character.isLetter || character.isNumber || "-._~".contains(character))
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(character) : "%\(digits.count == 1 ? "0" : "")\(digits)"
        }.joined()
    }
}
