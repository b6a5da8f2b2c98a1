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
}

/// Copies files into a bucket: large ones in parts, so that no more than one part is in memory and a lost connection costs
/// no more than one.
package struct S3Store: RecordingStore {
    /// S3 takes 10,000 parts, and none but the last below 5 MiB: files up to 80 GiB.
    private static let partBytes = 8 << 20
    /// A part over 0.2 Mbit/s.
    private static let partTimeout = Duration.seconds(300)
    private static let wordsMax = 300
    /// What the object is called when it is read.
    private static let objectType = "video/mp4"

    private let settings: S3Settings
    private let signer: RequestSigner
    private let http: HTTPClient
    private let threads: NIOThreadPool
    private let wall: @Sendable () -> WallTime

    package init(
        _ settings: S3Settings,
        http: HTTPClient,
        threads: NIOThreadPool,
        wall: @escaping @Sendable () -> WallTime
    ) {
        self.settings = settings
        signer = RequestSigner(accessKey: settings.accessKey, secretKey: settings.secretKey, region: settings.region)
        self.http = http
        self.threads = threads
        self.wall = wall
    }

    package func store(_ path: String, app: String, file: String) async throws -> String {
        let key = "\(app)/\(file)"
        let first = try await read(path, at: 0)
        if first.count < Self.partBytes {
            _ = try await send(.put, key, body: first)
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
                let answer = try await send(.put, key, query: "partNumber=\(tags.count + 1)&\(query)", body: part)
                guard let tag = answer.head["etag"] else { throw S3Error.malformed("ETag") }
                tags.append(tag)
                part = try await read(path, at: tags.count * Self.partBytes)
            }
            let parts = tags.enumerated().map {
                "<Part><PartNumber>\($0.offset + 1)</PartNumber><ETag>\($0.element)</ETag></Part>"
            }
            let list = "<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>"
            _ = try await send(.post, key, query: query, type: "application/xml", body: Array(list.utf8))
        } catch {
            // Parts that belong to nothing would be paid for.
            _ = try? await send(.delete, key, query: query)
            throw error
        }
    }

    private func read(_ path: String, at offset: Int) async throws -> [UInt8] {
        try await threads.runIfActive {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw S3Error.unreadable(path) }
            defer { close(descriptor) }
            var failed = false
            let bytes = [UInt8](unsafeUninitializedCapacity: Self.partBytes) { space, count in
                while count < Self.partBytes {
                    let read = pread(
                        descriptor,
                        space.baseAddress?.advanced(by: count),
                        Self.partBytes - count,
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
            timeout: Self.partTimeout
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
