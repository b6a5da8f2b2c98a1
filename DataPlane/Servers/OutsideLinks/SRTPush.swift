import FanOut
import MPEGTS
import MediaModel
import NIOCore
import SRT
import Streams

/// Sends one live stream to a server outside of the cluster, over SRT.
///
/// Muxing is on the stream's loop, libsrt on a thread of its own. `@unchecked Sendable`: `muxer` and what goes with it are
/// touched on the loop only, `socket` on the thread only.
final class SRTPush: StreamSubscriber, @unchecked Sendable {
    private let stream: LiveStream
    private let address: LinkAddress.SRT
    private let egress: EgressMeter
    private let thread = SRTSendThread(number: 0)
    private let onMedia: @Sendable () -> Void
    private let onEnd: @Sendable (LinkEnd) -> Void
    private var muxer = TSMuxer()
    private var isSkipping = true
    private var isOver = false
    private var socket: SRTSocket?

    init(
        _ stream: LiveStream,
        _ address: LinkAddress.SRT,
        egress: EgressMeter,
        onMedia: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (LinkEnd) -> Void
    ) {
        self.stream = stream
        self.address = address
        self.egress = egress
        self.onMedia = onMedia
        self.onEnd = onEnd
    }

    func start() { thread.execute { self.connect() } }

    /// From any thread.
    func stop() { stream.loop.execute { self.end(.finished) } }

    // MARK: On the thread

    private func connect() {
        do {
            let socket = try address.call().connect()
            self.socket = socket
            warmUp(SRTWarmUp(until: .now() + SRTWarmUp.durationMax), socket)
        } catch { stream.loop.execute { self.end(.failed("\(error)")) } }
    }

    /// The server's first packets are the newest group of pictures, all at once.
    private func warmUp(_ warmUp: SRTWarmUp, _ socket: SRTSocket) {
        var warmUp = warmUp
        guard warmUp.goesOn(socket, at: .now()) else { return stream.loop.execute { self.connected() } }
        thread.schedule(in: SRTWarmUp.step) { [warmUp] in self.warmUp(warmUp, socket) }
    }

    private func send(_ bytes: ByteBuffer) {
        guard let socket else { return }
        var rest = bytes
        defer { egress.sent(bytes.readableBytes - rest.readableBytes) }
        while let packet = rest.readSlice(length: min(rest.readableBytes, SRTSocket.payloadBytesMax)),
            packet.readableBytes > 0
        {
            switch packet.withUnsafeReadableBytes(socket.send) {
            case .done: continue
            // The server does not keep up: go on where it can begin anew.
            case .wouldBlock: return stream.loop.execute { self.isSkipping = true }
            case .broken: return stream.loop.execute { self.end(.failed("the server closed the connection")) }
            }
        }
    }

    // MARK: On the stream's loop

    private func connected() {
        if isOver { return }
        if case .ended = stream.phase { return end(.finished) }
        let snapshot = stream.subscribe(self)
        take([.tracks(snapshot.items.isEmpty ? stream.tracks : snapshot.tracks)] + snapshot.items)
    }

    private func end(_ end: LinkEnd) {
        guard !isOver else { return }
        isOver = true
        stream.unsubscribe(self)
        thread.execute { self.socket?.close() }
        thread.close()
        onEnd(end)
    }

    func stream(_ stream: LiveStream, sent items: [StreamItem]) { take(items) }

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        switch notice {
        case .ended, .fenced: end(.finished)
        case .gap: isSkipping = true
        case .epochChanged, .outOfReach, .parentChanged, .pathChanged, .rungsGivenUp, .interrupted, .resumed: break
        }
    }

    private func take(_ items: [StreamItem]) {
        for item in items {
            switch item {
            case .tracks(let tracks): muxer.setTracks(tracks)
            case .unit(let unit): take(unit)
            case .cut: break
            }
        }
    }

    private func take(_ unit: AccessUnit) {
        guard let packets = muxer.packets(for: unit) else { return }
        if isSkipping {
            let isVideo = muxer.tracks.contains { $0.kind == .video && $0.id == unit.track }
            let hasVideo = muxer.tracks.contains { $0.kind == .video }
            guard packets.beginsWithTables, isVideo ? unit.isKeyframe : !hasVideo else { return }
            isSkipping = false
            onMedia()
        }
        thread.execute { self.send(packets.bytes) }
    }
}

extension LinkAddress.SRT {
    /// Looks the name up, and waits for that.
    func call() throws -> SRTCall {
        SRTCall(
            address: try SocketAddress.makeAddressResolvingHost(host, port: port),
            streamID: streamID,
            latency: latency,
            passphrase: passphrase,
            keyBytes: keyBytes
        )
    }
}
