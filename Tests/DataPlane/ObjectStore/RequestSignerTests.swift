import HTTPClient
import ObjectStore
import Observability
import Testing
import Timebase

/// The examples of "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference.
struct RequestSignerTests {
    private let signer = RequestSigner(
        accessKey: "AKIAIOSFODNN7EXAMPLE",
        secretKey: Redacted("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1"
    )
    private let host = "examplebucket.s3.amazonaws.com"

    private func signature(_ subject: RequestSigner.Subject) throws -> Substring {
        let now = try #require(WallTime(rfc3339: "2013-05-24T00:00:00Z"))
        let headers = signer.headers(for: subject, at: now)
        let value = try #require(headers.first { $0.name == "authorization" }?.value)
        let begin = try #require(value.firstRange(of: "Signature="))
        return value[begin.upperBound...]
    }

    @Test func `a part of an object is asked for as in the reference`() throws {
        let subject = RequestSigner.Subject(
            .get,
            host: host,
            path: "/test.txt",
            headers: [HTTPHeader("Range", "bytes=0-9")]
        )
        #expect(try signature(subject) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    @Test func `an object is put as in the reference`() throws {
        let subject = RequestSigner.Subject(
            .put,
            host: host,
            path: "/test%24file.text",
            headers: [
                HTTPHeader("Date", "Fri, 24 May 2013 00:00:00 GMT"), HTTPHeader("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body: Array("Welcome to Amazon S3.".utf8)
        )
        #expect(try signature(subject) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    }

    @Test func `a query is signed as in the reference`() throws {
        let lifecycle = RequestSigner.Subject(.get, host: host, path: "/", query: "lifecycle=")
        #expect(try signature(lifecycle) == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
        let list = RequestSigner.Subject(.get, host: host, path: "/", query: "max-keys=2&prefix=J")
        #expect(try signature(list) == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    }
}
