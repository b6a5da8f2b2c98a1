import ClusterModel
import Foundation
import MediaModel
import NIOCore
import NIOPosix
import NIOSSL
import Relay
import RelayService
import Settings
import Streams
import TestSupport
import Testing
import Worker

/// The relay over TLS, and what happens when the sides do not agree about it.
@Suite(.timeLimit(.minutes(2))) struct RelayTLSTests {
    private static func server(_ identity: (chain: String, key: String)) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(identity.chain.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
        )
    }

    private static func trust(_ ca: String, requiresTLS: Bool = false) throws -> RelayTrust {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(ca.utf8)))
        let context = try NIOSSLContext(configuration: configuration)
        return RelayTrust(requiresTLS: requiresTLS) { context }
    }

    private static func tlsParent(_ identity: (chain: String, key: String) = TestCertificates.node) async throws
        -> ParentNode
    {
        let parent = try await ParentNode(tls: server(identity))
        try await parent.publish(Media.opening)
        return parent
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `media arrives over TLS, by address and by name`(host: String) async throws {
        let parent = try await Self.tlsParent()
        let child = try await ChildNode()
        let puller = RelayPuller(nodeID: "e1", trust: try Self.trust(TestCertificates.ca, requiresTLS: true))
        async let end = puller.pull(child.stream, route: parent.route(host: host), ticket: parent.ticket())
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.publish([Media.picture("p2", at: 80)])
        _ = await child.tap.entries { $0.contains(unit: "p2") }
        try await parent.onLoop { [stream = parent.stream] in stream.end(.unpublished) }
        #expect(await end == .ended(.unpublished))
        try await parent.stop()
    }

    @Test func `a parent of another CA is not pulled from`() async throws {
        let parent = try await Self.tlsParent()
        let child = try await ChildNode()
        let end = await child.pull(from: parent, trust: try Self.trust(TestCertificates.otherCA))
        guard case .lost(let reason) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(reason.contains("--relay-ca"), "\(reason)")
        #expect(child.tap.entries.isEmpty)
        try await parent.stop()
    }

    @Test func `a parent with the certificate of another host is not pulled from`() async throws {
        let parent = try await Self.tlsParent(TestCertificates.stranger)
        let child = try await ChildNode()
        let end = await child.pull(from: parent, trust: try Self.trust(TestCertificates.ca))
        guard case .lost(let reason) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(reason.contains("no TLS with the parent"), "\(reason)")
        #expect(child.tap.entries.isEmpty)
        try await parent.stop()
    }

    @Test func `a plain pull from a TLS port is refused by name`() async throws {
        let parent = try await Self.tlsParent()
        let child = try await ChildNode()
        let end = await RelayPuller(nodeID: "e1")
            .pull(child.stream, route: parent.route(tls: false), ticket: parent.ticket())
        guard case .refused(let refusal) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(refusal.code == .tlsRequired)
        try await parent.stop()
    }

    @Test func `a TLS pull from a plain port ends at once and says what to check`() async throws {
        let parent = try await ParentNode()
        let child = try await ChildNode()
        let end = await RelayPuller(nodeID: "e1", trust: try Self.trust(TestCertificates.ca))
            .pull(child.stream, route: parent.route(tls: true), ticket: parent.ticket())
        guard case .lost(let reason) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(reason.contains("--relay-tls") || reason.contains("without an answer"), "\(reason)")
        try await parent.stop()
    }

    @Test func `a node that wants TLS does not pull from a plain parent`() async throws {
        let parent = try await ParentNode()
        try await parent.publish(Media.opening)
        let child = try await ChildNode()
        let end = await child.pull(from: parent, trust: try Self.trust(TestCertificates.ca, requiresTLS: true))
        guard case .lost(let reason) = end else {
            Issue.record("the pull ended so: \(end)")
            return
        }
        #expect(reason.contains("is plain"), "\(reason)")
        #expect(child.tap.entries.isEmpty)
        try await parent.stop()
    }

    @Test func `a ping is answered in plain on a TLS port: the control plane needs no CA to see that a node lives`()
        async throws
    {
        let parent = try await Self.tlsParent()
        let answered = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: answered.futureResult.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FirstBytes(answered))
                }
            }
            .connect(host: "127.0.0.1", port: parent.port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: RelayPing.frame))
        #expect(try await answered.futureResult.get() == ByteBuffer(bytes: RelayPing.frame))
        // The parent closes who says no hello, and may have been first.
        try? await channel.close()
        try await parent.stop()
    }

    @Test func `certificates and trust read anew count from the next connection on`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "relay-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        try write(TestCertificates.node.chain, "cert.pem")
        try write(TestCertificates.node.key, "key.pem")
        try write(TestCertificates.otherCA, "ca.pem")
        let path = folder.path(percentEncoded: false)
        let configuration = try configuration([
            "--tls-cert", "\(path)/cert.pem", "--tls-key", "\(path)/key.pem", "--relay-tls", "--relay-ca",
            "\(path)/ca.pem",
        ])
        let certificates = try Certificates(configuration)
        let trust = certificates.relayTrust(requiresTLS: configuration.requiresRelayTLS)
        let context: NIOSSLContext = try #require(try certificates.serverContext())
        let parent = try await ParentNode(tls: context)
        try await parent.publish(Media.opening)
        let child = try await ChildNode()

        guard case .lost = await child.pull(from: parent, trust: trust) else {
            Issue.record("the node's certificate is not of the CA it trusts")
            return
        }
        // Only the certificate changes: the CA trusted is its own now.
        try write(TestCertificates.renewed.chain, "cert.pem")
        try write(TestCertificates.renewed.key, "key.pem")
        try certificates.reload(configuration)
        async let end = child.pull(from: parent, trust: trust)
        _ = await child.tap.entries { $0.contains(unit: "p1") }
        try await parent.onLoop { [stream = parent.stream] in stream.end(.removed) }
        #expect(await end == .ended(.removed))

        // A file that cannot be used changes nothing and is named.
        try write("", "key.pem")
        #expect(throws: SettingsError.self) { try certificates.reload(configuration) }
        try await parent.stop()
    }

    @Test func `relay-tls without a certificate stops the start and names what is missing`() throws {
        do {
            _ = try configuration(["--relay-tls"])
            Issue.record("it was taken")
        } catch let error as SettingsError { #expect("\(error)".contains("tls-cert"), "\(error)") }
        #expect(try configuration([]).requiresRelayTLS == false)
    }

    private func configuration(_ arguments: [String]) throws -> WorkerConfiguration {
        let program = Program(name: "millrace-worker", summary: "", version: "", table: WorkerSettings.table)
        guard case .run(let values) = try program.request(arguments: arguments, environment: [:]) else {
            throw SettingsError.unexpectedArgument("--help")
        }
        return try WorkerConfiguration(values)
    }
}

private final class FirstBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let promise: EventLoopPromise<ByteBuffer>
    init(_ promise: EventLoopPromise<ByteBuffer>) { self.promise = promise }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { promise.succeed(unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }
}
