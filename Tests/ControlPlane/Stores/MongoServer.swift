import Domain
import Foundation
import Glibc
import MongoStore
import StoreConformance
import Testing

/// The MongoDB-protocol server of `ops/mongodb-test-server` on a free port, with its data in a directory of its own.
final class MongoServer: Sendable {
    /// The one that a suite with the trait `mongoServer` runs on.
    @TaskLocal static var current: MongoServer?

    let uri: String
    private let port: UInt16
    private let directory: TemporaryDirectory
    private let child: Shared<ChildProcess>

    init() throws {
        port = try Self.freePort()
        uri = "mongodb://127.0.0.1:\(port)/millrace?replicaSet=secantus&retryWrites=false"
        directory = try TemporaryDirectory()
        child = Shared(try Self.launch(port, directory))
    }

    deinit {
        child.value.kill()
        directory.remove()
    }

    /// SIGKILL to the running one, then a new one on the same data and port.
    func crashAndRestart() throws {
        child.value.kill()
        let (port, directory) = (port, directory)
        let restarted = try Self.launch(port, directory)
        child.change { $0 = restarted }
    }

    func kill() { child.value.kill() }
    func pause() { child.value.pause() }
    func goOn() { child.value.signal(SIGCONT) }

    /// Waits until the server answers a new store, which is the caller's to close.
    func openWhenReady(limits: MongoLimits = MongoLimits()) async throws -> MongoStore {
        let store = try MongoStore(uri: uri, limits: limits)
        try await waitUntilReady(store)
        return store
    }

    func waitUntilReady(_ store: MongoStore) async throws {
        let child = child.value
        try await eventually("the server answers") {
            guard child.isRunning else { throw ChildEnded(text: child.text) }
            return (try? await store.now()) != nil
        }
    }

    private static func launch(_ port: UInt16, _ directory: TemporaryDirectory) throws -> ChildProcess {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let script = root.standardizedFileURL.appendingPathComponent("ops/mongodb-test-server").path
        return try ChildProcess(script, ["run", String(port), directory.path])
    }

    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        try #require(result == 0)
        return UInt16(bigEndian: address.sin_port)
    }
}

/// Starts one server for all tests of a suite, or takes the one that `MILLRACE_TEST_MONGODB` names.
struct MongoServerTrait: SuiteTrait, TestScoping {
    static let external = ProcessInfo.processInfo.environment["MILLRACE_TEST_MONGODB"]

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        if Self.external != nil { return try await function() }
        let server = try MongoServer()
        await (try server.openWhenReady()).close()
        try await MongoServer.$current.withValue(server) { try await function() }
    }
}

extension Trait where Self == MongoServerTrait {
    static var mongoServer: Self { Self() }
}
