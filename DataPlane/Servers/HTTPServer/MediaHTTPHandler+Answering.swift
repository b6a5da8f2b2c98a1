import FanOut
import Logging
import NIOCore
import NIOHTTP1
import Observability
import Streams

/// How answers leave: written by hand below the HTTP codec, whose three messages for each, through as many handlers, cost more
/// than all else of an answer to a player.
extension MediaHTTPHandler {
    /// Of the answer that is being sent.
    private struct Framing {
        /// RFC 9112 §7.1, where nobody knows the length beforehand.
        var isChunked: Bool
        var keepsAlive: Bool
    }

    /// The path goes to the log without the query, which may hold a token.
    private func note(_ refusal: Refusal, of request: HTTPRequestHead) {
        let path = request.uri.prefix { $0 != "?" }.prefix(300)
        guard let suppressed = service.meters.refused(refusal.reason) else { return }
        service.logger.info(
            "play refused",
            metadata: [
                LogKeys.reason: "\(refusal.reason)", LogKeys.path: "\(path)", LogKeys.error: "\(refusal)",
                LogKeys.remote: "\(remoteAddress ?? "?")", LogKeys.suppressed: "\(suppressed)",
            ]
        )
    }

    /// Answers the request at hand, if there is one.
    func respond(_ response: MediaResponse, isLast: Bool = false) {
        guard case .answering(let request) = state, let socket = egress.context else { return }
        service.meters.answered(route, status: response.status.code)
        if let refusal = response.refusal { note(refusal, of: request) }
        let isChunked = response.byteCount == nil && request.version == .http1_1
        // Without a length HTTP/1.0 tells the end by closing.
        let keepsAlive = request.isKeepAlive && !isLast && (response.byteCount != nil || isChunked)
        let head = response.head(isChunked: isChunked, keepsAlive: keepsAlive)
        socket.write(NIOAny(head), promise: nil)
        guard request.method != .HEAD else { return finish(Framing(isChunked: false, keepsAlive: keepsAlive), socket) }
        let framing = Framing(isChunked: isChunked, keepsAlive: keepsAlive)
        write(response.body, framing, socket)
        guard let rest = response.rest else { return finish(framing, socket) }
        socket.flush()
        sendNextPiece(of: rest, framing)
    }

    /// Counted once the kernel has it: who asks for much and leaves has not got it.
    private func write(_ body: [ByteBuffer], _ framing: Framing, _ socket: ChannelHandlerContext) {
        let pieces = body.filter { $0.readableBytes > 0 }
        guard let last = pieces.last else { return }
        for piece in pieces.dropLast() { write(piece, framing, socket, promise: nil) }
        let sent = egressMeter.map { meter in
            let promise = socket.eventLoop.makePromise(of: Void.self)
            let bytes = pieces.reduce(0) { $0 + $1.readableBytes }
            promise.futureResult.whenSuccess { meter.sent(bytes) }
            return promise
        }
        write(last, framing, socket, promise: sent)
    }

    private func write(
        _ piece: ByteBuffer,
        _ framing: Framing,
        _ socket: ChannelHandlerContext,
        promise: EventLoopPromise<Void>?
    ) {
        guard framing.isChunked else { return socket.write(NIOAny(piece), promise: promise) }
        let size = String(piece.readableBytes, radix: 16)
        socket.write(NIOAny(ByteBuffer(string: size + "\r\n")), promise: nil)
        socket.write(NIOAny(piece), promise: nil)
        socket.write(NIOAny(ByteBuffer(string: "\r\n")), promise: promise)
    }

    private func sendNextPiece(of rest: any BodySource, _ framing: Framing) {
        guard case .answering = state, let context else { return }
        rest.nextPiece(on: context.eventLoop).assumeIsolated().whenComplete { result in
            guard case .answering = self.state, let socket = self.egress.context else { return }
            switch result {
            case .success(nil): self.finish(framing, socket)
            case .success(let piece?): self.send(piece, before: rest, framing, socket)
            // The head has promised more: only closing can take that back.
            case .failure: socket.close(promise: nil)
            }
        }
    }

    private func send(
        _ piece: ByteBuffer,
        before rest: any BodySource,
        _ framing: Framing,
        _ socket: ChannelHandlerContext
    ) {
        guard piece.readableBytes > 0 else { return sendNextPiece(of: rest, framing) }
        let sent = socket.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess {
            self.egressMeter?.sent(piece.readableBytes)
            self.sendNextPiece(of: rest, framing)
        }
        idle.answerGoesOn()
        write(piece, framing, socket, promise: sent)
        socket.flush()
    }

    private func finish(_ framing: Framing, _ socket: ChannelHandlerContext) {
        egressMeter = nil
        idle.requestAnswered()
        if framing.isChunked { socket.write(NIOAny(ByteBuffer(string: "0\r\n\r\n")), promise: nil) }
        guard framing.keepsAlive else {
            state = .closed
            let done = socket.eventLoop.makePromise(of: Void.self)
            done.futureResult.assumeIsolated().whenComplete { _ in socket.close(promise: nil) }
            return socket.writeAndFlush(NIOAny(ByteBuffer()), promise: done)
        }
        state = .idle
        socket.flush()
        takeWaiting()
    }
}

extension MediaResponse {
    /// Status line and header fields (RFC 9112 §2).
    fileprivate func head(isChunked: Bool, keepsAlive: Bool) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: 512)
        bytes.writeStaticString("HTTP/1.1 ")
        bytes.writeString("\(status.code) \(status.reasonPhrase)\r\n")
        for (name, value) in headers { bytes.writeField(name, value) }
        bytes.writeImmutableBuffer(CrossOrigin.fields)
        if isChunked {
            bytes.writeStaticString("transfer-encoding: chunked\r\n")
        } else if let byteCount, status != .noContent {
            bytes.writeStaticString("content-length: ")
            bytes.writeString(String(byteCount))
            bytes.writeStaticString("\r\n")
        }
        if !keepsAlive { bytes.writeStaticString("connection: close\r\n") }
        bytes.writeStaticString("\r\n")
        return bytes
    }
}

extension CrossOrigin {
    fileprivate static let fields: ByteBuffer = headers.reduce(into: ByteBuffer()) { $0.writeField($1.name, $1.value) }
}

extension ByteBuffer {
    /// A value that holds the end of its line would be another field: it is left out.
    fileprivate mutating func writeField(_ name: String, _ value: String) {
        guard !value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) else { return }
        writeString(name)
        writeStaticString(": ")
        writeString(value)
        writeStaticString("\r\n")
    }
}
