import Foundation
import HTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import ObjectStore
import Observability
import Synchronization
import Testing
import Timebase

/// Files on their way into a bucket, by real HTTP, with a store that fails as it is told.
@Suite(.timeLimit(.minutes(1))) struct S3StoreTests {
    private static let partBytes = 1000
    private let folder = FileManager.default.temporaryDirectory.appending(path: "s3-\(UUID().uuidString)")

    /// The file's bytes, all parts of which differ.
    private func file(_ byteCount: Int) throws -> (path: String, bytes: [UInt8]) {
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: "a.mp4").path
        try Data(bytes).write(to: URL(filePath: path))
        return (path, bytes)
    }

    private func store(_ bucket: Bucket, partsMax: Int = 10_000) -> S3Store {
        var limits = S3Limits()
        limits.partBytes = Self.partBytes
        limits.partsMax = partsMax
        limits.pauses = [.zero, .zero]
        return S3Store(
            S3Settings(
                endpoint: bucket.url,
                bucket: "b",
                region: "us-east-1",
                accessKey: "key",
                secretKey: Redacted("secret")
            ),
            http: HTTPClient(),
            threads: .singleton,
            limits: limits,
            wall: { WallTime(milliseconds: 1_763_700_000_000) }
        )
    }

    @Test(arguments: [0, 1, 999, 1000, 1001, 2500, 3000])
    func `a file lies in the bucket byte for byte, whole or in parts`(byteCount: Int) async throws {
        let (bucket, file) = (try await Bucket(), try file(byteCount))
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try await store(bucket).store(file.path, app: "live", file: "a.mp4") == "s3://b/live/a.mp4")
        #expect(bucket.objects == ["/b/live/a.mp4": file.bytes])
        #expect(bucket.openUploads == 0)
        // A file that is as long as a part may be longer.
        #expect(bucket.count { $0.contains("partNumber=") } == (byteCount < 1000 ? 0 : (byteCount + 999) / 1000))
    }

    @Test(arguments: [500, 503, 429, nil])
    func `a part that the store does not take at once is sent again, and no other`(status: Int?) async throws {
        let (bucket, file) = (try await Bucket(), try file(2500))
        defer { try? FileManager.default.removeItem(at: folder) }
        bucket.fail(status, times: 2) { $0.contains("partNumber=2") }
        _ = try await store(bucket).store(file.path, app: "live", file: "a.mp4")
        #expect(bucket.objects == ["/b/live/a.mp4": file.bytes])
        #expect((1...3).map { number in bucket.count { $0.contains("partNumber=\(number)&") } } == [1, 3, 1])
        #expect(bucket.openUploads == 0)
    }

    /// Refused for good, failing for longer than it is tried, and found out when all was there.
    @Test(arguments: [("partNumber=2", 403, 1), ("partNumber=2", 503, 3), ("POST /b/live/a.mp4?uploadId", 500, 1)])
    func `what fails leaves no parts in the bucket, which would be paid for`(
        target: String,
        status: Int,
        tries: Int
    ) async throws {
        let (bucket, file) = (try await Bucket(), try file(2500))
        defer { try? FileManager.default.removeItem(at: folder) }
        bucket.fail(status, times: 9) { $0.contains(target) }
        await #expect(throws: S3Error.answered(status, "Broken")) {
            try await store(bucket).store(file.path, app: "live", file: "a.mp4")
        }
        #expect(bucket.count { $0.contains(target) } == tries)
        #expect(bucket.openUploads == 0 && bucket.objects.isEmpty)
        #expect(bucket.count { $0.hasPrefix("DELETE") } == 1)
    }

    @Test func `an error behind a good status is one`() async throws {
        let (bucket, file) = (try await Bucket(), try file(1500))
        defer { try? FileManager.default.removeItem(at: folder) }
        bucket.fail(200, times: 1) { $0.hasPrefix("POST /b/live/a.mp4?uploadId") }
        await #expect(throws: S3Error.answered(200, "Broken")) {
            try await store(bucket).store(file.path, app: "live", file: "a.mp4")
        }
        #expect(bucket.openUploads == 0)
    }

    @Test func `a file that is too long for so many parts has longer ones`() async throws {
        let (bucket, file) = (try await Bucket(), try file(5000))
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try await store(bucket, partsMax: 3).store(file.path, app: "live", file: "a.mp4")
        #expect(bucket.objects == ["/b/live/a.mp4": file.bytes])
        #expect(bucket.count { $0.contains("partNumber=") } == 3)
    }
}

/// A bucket of S3, as far as copying takes it.
private final class Bucket: Sendable {
    struct Failure {
        /// Nil: the connection breaks off.
        var status: Int?
        var times: Int
        var isMeant: @Sendable (String) -> Bool
    }

    private struct State {
        var requests: [String] = []
        var objects: [String: [UInt8]] = [:]
        var uploads: [String: [Int: [UInt8]]] = [:]
        var failure: Failure?
    }

    let url: String
    private let state: SharedState

    private final class SharedState: Sendable { let value = Mutex(State()) }

    init() async throws {
        let state = SharedState()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler { Self.answer($0, $1, state) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.state = state
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    var objects: [String: [UInt8]] { state.value.withLock(\.objects) }
    var openUploads: Int { state.value.withLock { $0.uploads.count } }

    /// Of the requests, by method and target.
    func count(where isMeant: (String) -> Bool) -> Int { state.value.withLock { $0.requests.count(where: isMeant) } }

    func fail(_ status: Int?, times: Int, where isMeant: @escaping @Sendable (String) -> Bool) {
        state.value.withLock { $0.failure = Failure(status: status, times: times, isMeant: isMeant) }
    }

    private typealias Answer = (status: Int, headers: [(String, String)], body: String)

    /// Nil: the connection is closed.
    private static func answer(_ head: HTTPRequestHead, _ body: [UInt8], _ state: SharedState) -> Answer? {
        state.value.withLock { state in
            let request = "\(head.method) \(head.uri)"
            state.requests.append(request)
            if let failure = state.failure, failure.times > 0, failure.isMeant(request) {
                state.failure?.times -= 1
                return failure.status.map { ($0, [], "<Error><Code>Broken</Code></Error>") }
            }
            return serve(head, body, &state)
        }
    }

    private static func serve(_ head: HTTPRequestHead, _ body: [UInt8], _ state: inout State) -> Answer {
        let halves = head.uri.split(separator: "?", maxSplits: 1).map(String.init)
        let query = halves.count > 1 ? halves[1] : ""
        let fields = query.split(separator: "&").map { $0.split(separator: "=").map(String.init) }
        func value(_ name: String) -> String { fields.first { $0.first == name }?.dropFirst().first ?? "" }
        let upload = value("uploadId")
        switch head.method {
        case .POST where query == "uploads=":
            state.uploads["u1", default: [:]] = [:]
            return (200, [], "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        case .PUT where query.isEmpty: state.objects[halves[0]] = body
        case .PUT:
            let number = Int(value("partNumber")) ?? 0
            state.uploads[upload]?[number] = body
            return (200, [("ETag", "\"\(number)\"")], "")
        case .POST:
            let parts = state.uploads.removeValue(forKey: upload) ?? [:]
            state.objects[halves[0]] = parts.sorted { $0.key < $1.key }.flatMap(\.value)
        case .DELETE: state.uploads[upload] = nil
        default: return (405, [], "")
        }
        return (200, [], "")
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let answer: @Sendable (HTTPRequestHead, [UInt8]) -> Answer?
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(_ answer: @escaping @Sendable (HTTPRequestHead, [UInt8]) -> Answer?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, [])
            case .body(let bytes): body += bytes.readableBytesView
            case .end:
                guard let head, let answer = answer(head, body) else { return context.close(promise: nil) }
                var headers = HTTPHeaders(answer.headers)
                headers.add(name: "content-length", value: "\(answer.body.utf8.count)")
                let status = HTTPResponseStatus(statusCode: answer.status)
                context.write(
                    wrapOutboundOut(.head(.init(version: head.version, status: status, headers: headers))),
                    promise: nil
                )
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
