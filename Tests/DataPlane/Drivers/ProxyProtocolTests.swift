import Drivers
import NIOCore
import NIOEmbedded
import ProxyProtocol
import Testing

/// A header, whom it names, and what is left for the protocol behind it.
private struct Vector: Sendable, CustomStringConvertible {
    var description: String
    var header: [UInt8]
    var client: String?

    init(_ name: String, _ header: [UInt8], _ client: String?) {
        description = name
        self.header = header
        self.client = client
    }

    init(line: String, _ client: String?) { self.init(line, Array((line + "\r\n").utf8), client) }
}

private let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
private let ports: [UInt8] = [0x1F, 0x90, 0x07, 0x8F]
private let vectors = [
    Vector(line: "PROXY TCP4 203.0.113.9 10.0.0.1 56324 1935", "203.0.113.9"),
    Vector(line: "PROXY TCP6 2001:db8::9 ::1 56324 1935", "2001:db8::9"),
    Vector(line: "PROXY UNKNOWN", nil),
    Vector(line: "PROXY UNKNOWN ffff::1 ffff::2 1 2", nil),
    Vector(
        "version 2, IPv4",
        signature + [0x21, 0x11, 0, 12, 203, 0, 113, 9, 10, 0, 0, 1] + ports,
        "203.0.113.9"
    ),
    Vector(
        "version 2, IPv6 with an extension",
        signature + [0x21, 0x21, 0, 39] + [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [9]
            + Array(repeating: 0, count: 16) + ports + [4, 0, 0],
        "2001:db8:0:0:0:0:0:9"
    ),
    Vector("version 2, the proxy's own health check", signature + [0x20, 0x00, 0, 0], nil),
    Vector("version 2, a Unix socket", signature + [0x21, 0x31, 0, 2, 1, 2], nil),
    Vector("no header: RTMP", [0x03], nil),
    Vector("no header: PUT", Array("PUT /".utf8), nil),
    Vector("no header: half a signature", [0x0D, 0x0A, 0x0D, 0x0B], nil),
]

@Suite struct ProxyProtocolTests {
    private static let media = Array("the protocol's own bytes".utf8)

    /// Bytes in two pieces; what came of them.
    private func read(_ bytes: [UInt8], splitAt split: Int) throws -> ProxyHeaderReader.Step {
        var reader = ProxyHeaderReader()
        let first = try reader.receive(ByteBuffer(bytes: bytes[..<split]))
        guard case .done(let client, var rest) = first else {
            return try reader.receive(ByteBuffer(bytes: bytes[split...]))
        }
        rest.writeBytes(bytes[split...])
        return .done(client: client, rest: rest)
    }

    @Test(arguments: vectors)
    private func `a header is taken off at every split, and nothing of what follows it`(vector: Vector) throws {
        let bytes = vector.header + Self.media
        let isHeader = !vector.description.hasPrefix("no header")
        let rest = ByteBuffer(bytes: isHeader ? Self.media : bytes)
        for split in 0...bytes.count {
            #expect(try read(bytes, splitAt: split) == .done(client: vector.client, rest: rest), "split at \(split)")
        }
    }

    @Test(arguments: [
        ("PROXY TCP4 203.0.113.9 10.0.0.1 56324\r\n", ProxyProtocolError.badLine),
        ("PROXY TCP4 203.0.113.999 10.0.0.1 1 2\r\n", .badAddress),
        ("PROXY TCP4 +203.0.113.9 10.0.0.1 1 2\r\n", .badAddress),
        ("PROXY TCP4 2001:db8::9 10.0.0.1 1 2\r\n", .badAddress),
        ("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", .badAddress),
        ("PROXY TCP6 1::2::3 ::1 1 2\r\n", .badAddress),
        ("PROXY TCP4 203.0.113.9 10.0.0.1 1 65536\r\n", .badLine),
        ("PROXY TCP4 203.0.113.9 10.0.0.1 1 2\n", .badLine),
        ("PROXY \r\n", .badLine),
        ("PROXY " + String(repeating: "x", count: 101), .lineTooLong),
    ])
    func `a line that is none is refused`(line: String, error: ProxyProtocolError) {
        for split in 0...line.utf8.count {
            #expect(throws: error, "split at \(split)") { try read(Array(line.utf8), splitAt: split) }
        }
    }

    @Test(
        arguments: [
            ([0x11, 0x11, 0, 0], ProxyProtocolError.unsupportedVersion(0x11)),
            ([0x22, 0x11, 0, 0], .unsupportedVersion(0x22)),
            ([0x21, 0x11, 0, 3, 1, 2, 3], .badAddress),
            ([0x21, 0x21, 0, 12] + Array(repeating: 0, count: 12), .badAddress),
            ([0x21, 0x11, 0xFF, 0xFF], .tooLong(bytes: 65_535)),
        ] as [([UInt8], ProxyProtocolError)]
    )
    func `a binary header that is none is refused`(tail: [UInt8], error: ProxyProtocolError) {
        #expect(throws: error) { try read(signature + tail, splitAt: 5) }
    }

    @Test func `only a trusted peer is believed, and the next handlers hear of the client before its bytes`() throws {
        for (isTrusted, heard) in [(true, ["203.0.113.9", "GET"]), (false, ["PROXY TCP4 203.0.113.9 ::1 1 2\r\nGET"])] {
            let channel = EmbeddedChannel()
            try channel.connect(to: SocketAddress(ipAddress: "10.0.0.7", port: 1)).wait()
            let listener = Listener()
            try channel.pipeline.syncOperations.addHandler(listener)
            try ProxyProtocolHandler.add(to: channel, isTrusted: { isTrusted && $0 == "10.0.0.7" }, onFault: { _ in })
            let line =
                isTrusted ? "PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\nGET" : "PROXY TCP4 203.0.113.9 ::1 1 2\r\nGET"
            try channel.writeInbound(ByteBuffer(string: line))
            #expect(listener.heard == heard)
            _ = try? channel.finish()
        }
    }

    @Test func `a fault is told and closes the connection`() throws {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: "10.0.0.7", port: 1)).wait()
        var fault: ProxyProtocolError?
        try ProxyProtocolHandler.add(to: channel, isTrusted: { _ in true }, onFault: { fault = $0 })
        try channel.writeInbound(ByteBuffer(string: "PROXY nonsense\r\n"))
        #expect(fault == .badLine && !channel.isActive)
    }
}

private final class Listener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var heard: [String] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard.append(String(buffer: unwrapInboundIn(data)))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let client = event as? ClientAddress { heard.append(client.address) }
    }
}

@available(*, unavailable)
extension Listener: Sendable {}
