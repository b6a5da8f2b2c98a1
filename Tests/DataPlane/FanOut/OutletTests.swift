import ClusterModel
import FanOut
import Foundation
import MediaModel
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Streams
import Testing
import Timebase

/// The fan-out over real sockets, with buffers small enough that most writes are short.
@Suite(.serialized) struct OutletTests {
    /// Frames as `[length u32][number u32][filling]`; the filling is the number's lowest byte.
    private struct NumberedFormat: WireFormat {
        func prelude(tracks: [Track]) -> [ByteBuffer] { [ByteBuffer(string: "PRELUDE!")] }
        mutating func pieces(for item: StreamItem) -> [ByteBuffer]? {
            guard case .unit(let unit) = item else { return nil }
            return [ByteBuffer(integer: UInt32(unit.payload.readableBytes)), unit.payload]
        }
        func isStart(_ item: StreamItem) -> Bool { if case .unit(let unit) = item { unit.isKeyframe } else { false } }
    }

    private static func payload(_ number: Int, bytes: Int) -> ByteBuffer {
        var payload = ByteBuffer(integer: UInt32(number))
        payload.writeRepeatingByte(UInt8(truncatingIfNeeded: number), count: bytes - 4)
        return payload
    }

    private struct NoCuts: StreamCutter {
        var next: ResumePoint { .start }
        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? { nil }
        mutating func retainSegments(_ isOn: Bool) {}
    }

    /// A server that gives every connection a viewer, and a stream to feed.
    private final class Rig: Sendable {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let stream: LiveStream
        let outlet: Outlet<NumberedFormat>
        let ends = NIOLockedValueBox<[Viewer.End]>([])
        let joined = NIOLockedValueBox(0)

        init(limits: FanOutLimits = FanOutLimits()) throws {
            let stream = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: group.next())
            self.stream = stream
            outlet = Outlet(
                stream: stream,
                limits: limits,
                loads: LoopLoads(),
                meters: FanOutMeters(protocolName: "test")
            ) {
                NumberedFormat()
            }
            try stream.loop.submit {
                stream.beginTenure(epoch: Epoch(1), resume: .start, settings: AppSettings(), cutter: NoCuts())
                stream.ingest([.tracks([Track(id: .video, codec: .data)])], at: WallTime(milliseconds: 0))
            }.wait()
        }

        func listen() async throws -> any Channel {
            try await ServerBootstrap(group: group)
                .childChannelOption(.socketOption(.so_sndbuf), value: 4096)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ServingHandler(rig: self))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
        }

        func feed(_ numbers: Range<Int>, bytes: Int = 2000) async throws {
            try await stream.loop.submit { [stream] in
                for number in numbers {
                    let unit = AccessUnit(
                        track: .video,
                        decodeTime: MediaTime(milliseconds: Int64(number) * 10),
                        isKeyframe: number % 10 == 0,
                        payload: OutletTests.payload(number, bytes: bytes)
                    )
                    stream.ingest([.unit(unit, frame: nil)], at: WallTime(milliseconds: 0))
                }
            }.get()
        }
    }

    private final class ServingHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let rig: Rig
        private var viewer: Viewer?

        init(rig: Rig) { self.rig = rig }

        func channelActive(context: ChannelHandlerContext) {
            let viewer = Viewer(context: context, isPlain: true)
            viewer.onEnd = { [rig] end in
                rig.ends.withLockedValue { $0.append(end) }
                context.close(promise: nil)
            }
            self.viewer = viewer
            rig.outlet.add(viewer)
            rig.joined.withLockedValue { $0 += 1 }
        }

        func channelInactive(context: ChannelHandlerContext) {
            if let viewer { rig.outlet.remove(viewer) }
            viewer = nil
        }
    }

    /// A blocking reader on a thread of its own.
    private struct Reader {
        let descriptor: Int32

        init(port: Int) throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var size: Int32 = 4096
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
            var timeout = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(result == 0)
        }

        let bytesRead = NIOLockedValueBox(0)

        /// Everything until the server closes.
        func readToEnd() -> [UInt8] {
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1500)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                all += buffer[..<count]
                bytesRead.withLockedValue { $0 = all.count }
            }
            close(descriptor)
            return all
        }
    }

    /// The frame numbers in what a viewer read; throws when a frame is torn or its bytes are not its own.
    private static func numbers(in bytes: [UInt8]) throws -> [Int] {
        var buffer = ByteBuffer(bytes: bytes)
        let prelude = buffer.readString(length: 8)
        try #require(prelude == "PRELUDE!")
        var numbers: [Int] = []
        while let length = buffer.readInteger(as: UInt32.self) {
            guard var payload = buffer.readSlice(length: Int(length)),
                let number = payload.readInteger(as: UInt32.self)
            else { throw TornFrame() }
            let filling = UInt8(truncatingIfNeeded: number)
            guard payload.readableBytesView.allSatisfy({ $0 == filling }) else { throw TornFrame() }
            numbers.append(Int(number))
        }
        return numbers
    }

    private struct TornFrame: Error {}

    private func reading(_ readers: [Reader]) -> [Task<[UInt8], Never>] {
        readers.map { reader in
            Task.detached {
                await withCheckedContinuation { continuation in
                    Thread.detachNewThread { continuation.resume(returning: reader.readToEnd()) }
                }
            }
        }
    }

    private func waitUntil(_ what: String, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "not in time: \(what)")
            await Task.yield()
        }
    }

    @Test func `every viewer gets whole frames in order from a keyframe on, through short writes, to the end`()
        async throws
    {
        let rig = try Rig()
        let server = try await rig.listen()
        let port = try #require(server.localAddress?.port)
        try await rig.feed(0..<5)
        let readers = try (0..<8).map { _ in try Reader(port: port) }
        let tasks = reading(readers)
        try await waitUntil("all have joined") { rig.joined.withLockedValue { $0 } == 8 }
        for start in stride(from: 5, to: 400, by: 5) { try await rig.feed(start..<start + 5) }
        try await rig.stream.loop.submit { [stream = rig.stream] in stream.end(.unpublished) }.get()
        for task in tasks {
            let numbers = try Self.numbers(in: await task.value)
            #expect(numbers.first.map { $0 % 10 } == 0)
            #expect(numbers == Array((numbers.first ?? 0)..<400))
        }
        #expect(rig.ends.withLockedValue { $0 } == Array(repeating: .streamEnded(.unpublished), count: 8))
        try await server.close().get()
        try await rig.group.shutdownGracefully()
    }

    @Test func `a viewer that stops reading is skipped to keyframes and dropped, and delays nobody`() async throws {
        var limits = FanOutLimits()
        limits.lagBytesMax = 200_000
        limits.stallMax = .seconds(2)
        let rig = try Rig(limits: limits)
        let server = try await rig.listen()
        let port = try #require(server.localAddress?.port)
        let (quick, stopped) = (try Reader(port: port), try Reader(port: port))
        let task = reading([quick])[0]
        try await waitUntil("both have joined") { rig.joined.withLockedValue { $0 } == 2 }
        for start in stride(from: 0, to: 1000, by: 10) {
            try await rig.feed(start..<start + 10)
            // The quick one has all but a little, however slow this machine is.
            try await waitUntil("the quick one reads") { quick.bytesRead.withLockedValue { $0 } >= start * 2000 }
        }
        try await waitUntil("the one that stopped is dropped") { rig.ends.withLockedValue { $0 } == [.tooSlow] }
        try await rig.stream.loop.submit { [stream = rig.stream] in stream.end(.unpublished) }.get()
        let numbers = try Self.numbers(in: await task.value)
        #expect(numbers.last == 999)
        close(stopped.descriptor)
        try await server.close().get()
        try await rig.group.shutdownGracefully()
    }

    @Test func `a viewer that comes when the lane of its loop has ended is told the end`() async throws {
        let rig = try Rig()
        let server = try await rig.listen()
        let port = try #require(server.localAddress?.port)
        try await rig.feed(0..<5)
        try await rig.stream.loop.submit { [stream = rig.stream] in stream.end(.publisherLost) }.get()
        let bytes = await reading([try Reader(port: port)])[0].value
        #expect(bytes == Array("PRELUDE!".utf8))
        #expect(rig.ends.withLockedValue { $0 } == [.streamEnded(.publisherLost)])
        try await server.close().get()
        try await rig.group.shutdownGracefully()
    }
}
