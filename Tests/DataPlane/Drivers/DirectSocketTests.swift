import Drivers
import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@Suite struct DirectSocketTests {
    private func write(_ text: String, to socket: DirectSocket) -> DirectSocket.Outcome {
        var text = text
        return text.withUTF8 { bytes in
            let vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return withUnsafePointer(to: vector) { socket.write(UnsafeBufferPointer(start: $0, count: 1)) }
        }
    }

    /// Runs `body` with a connected channel, on its loop.
    private func withChannel<Result: Sendable>(
        _ body: @escaping @Sendable (any Channel) throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(server.localAddress)
        let channel = try await ClientBootstrap(group: group).connect(to: address).get()
        let result = try await channel.eventLoop.submit { try body(channel) }.get()
        try await group.shutdownGracefully()
        return result
    }

    @Test func `a socket takes what it has room for and then says that it is full`() async throws {
        let (first, last) = try await withChannel { channel in
            let socket = try #require(DirectSocket(of: channel))
            let text = String(repeating: "x", count: 1 << 16)
            let first = write("hello", to: socket)
            var last = first
            while case .wrote = last { last = write(text, to: socket) }
            return (first, last)
        }
        #expect(first == .wrote(5))
        #expect(last == .full)
    }

    @Test func `after a close nothing is written, before anybody was told of the close`() async throws {
        let outcome = try await withChannel { channel in
            let socket = try #require(DirectSocket(of: channel))
            channel.close(promise: nil)
            // A number that was closed is the next one to be given out, so this may be the same descriptor.
            let other = open("/dev/null", O_WRONLY)
            defer { close(other) }
            return write("for nobody", to: socket)
        }
        #expect(outcome == .failed(errno: EPIPE))
    }

    @Test func `a channel without a socket has none`() {
        #expect(DirectSocket(of: EmbeddedChannel()) == nil)
    }
}
