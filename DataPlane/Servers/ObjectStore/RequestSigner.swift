package import HTTPClient
package import Observability
package import Timebase

import struct Crypto.HMAC
import protocol Crypto.HashFunction
import struct Crypto.SHA256
import struct Crypto.SymmetricKey

/// Signs requests to S3-compatible storage: AWS Signature Version 4, with the whole body's hash in the signature. Pure.
package struct RequestSigner: Sendable {
    private static let algorithm = "AWS4-HMAC-SHA256"

    private let accessKey: String
    private let secretKey: Redacted<String>
    private let region: String

    package init(accessKey: String, secretKey: Redacted<String>, region: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.region = region
    }

    /// What a request is, as far as it is signed. `path` and `query` are as they stand in the URL; a query's fields in the
    /// order of their names.
    package struct Subject: Sendable {
        package var method: HTTPMethod
        package var host: String
        package var path: String
        package var query: String
        package var headers: [HTTPHeader]
        package var body: [UInt8]

        package init(
            _ method: HTTPMethod,
            host: String,
            path: String,
            query: String = "",
            headers: [HTTPHeader] = [],
            body: [UInt8] = []
        ) {
            self.method = method
            self.host = host
            self.path = path
            self.query = query
            self.headers = headers
            self.body = body
        }
    }

    /// The headers that the request is to be sent with, `Host` aside, which the client writes.
    package func headers(for subject: Subject, at now: WallTime) -> [HTTPHeader] {
        let time = Self.stamp(now)
        let day = String(time.prefix(8))
        let bodyHash = SHA256.hash(data: subject.body).hex
        let added = [HTTPHeader("x-amz-content-sha256", bodyHash), HTTPHeader("x-amz-date", time)]
        let signed = (subject.headers + added + [HTTPHeader("host", subject.host)])
            .map { HTTPHeader($0.name.lowercased(), $0.value) }.sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let lines = [subject.method.rawValue, subject.path, subject.query]
        let canonical = (lines + signed.map { "\($0.name):\($0.value)" } + ["", names, bodyHash]).joined(
            separator: "\n"
        )
        let scope = "\(day)/\(region)/s3/aws4_request"
        let text = "\(Self.algorithm)\n\(time)\n\(scope)\n\(SHA256.hash(data: Array(canonical.utf8)).hex)"
        let signature = Self.mac(text, key: key(of: day)).hex
        let credential = "Credential=\(accessKey)/\(scope)"
        let value = "\(Self.algorithm) \(credential),SignedHeaders=\(names),Signature=\(signature)"
        return subject.headers + added + [HTTPHeader("authorization", value)]
    }

    private func key(of day: String) -> [UInt8] {
        [day, region, "s3", "aws4_request"].reduce(Array("AWS4\(secretKey.revealed)".utf8)) { Self.mac($1, key: $0) }
    }

    private static func mac(_ text: String, key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    }

    /// `20130524T000000Z`.
    private static func stamp(_ now: WallTime) -> String {
        now.rfc3339.prefix(19).filter { $0.isNumber || $0 == "T" } + "Z"
    }
}

extension Sequence<UInt8> {
    fileprivate var hex: String {
        map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
    }
}
