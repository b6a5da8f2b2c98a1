import FanOut
import NIOCore
import NIOHTTP1
import Streams

/// HTTP-FLV: the connection becomes a viewer's.
extension MediaHTTPHandler {
    func startFLV(_ request: PlayRequest) {
        guard let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        service.gate.play(request) { result in loop.execute { bound.value.flvDecided(result) } }
    }

    private func flvDecided(_ result: Result<LiveStream, Refusal>) {
        guard case .answering(let head) = state, let context = egress.context else { return }
        switch result {
        case .failure(let refusal): respond(.refusal(refusal))
        case .success(let stream):
            guard head.method == .GET else { return answerHeadOfFLV(on: context) }
            let outlet = service.flv.outlet(for: stream)
            let session = FLVSession(stream: stream, outlet: outlet, requestedAt: requestedAt)
            service.meters.answered(.httpFLV, status: 200)
            state = .streaming(session)
            idle.stop()
            session.start(on: context, isPlain: isPlain)
        }
    }

    /// The head a GET would get, without a length: the body has none.
    private func answerHeadOfFLV(on context: ChannelHandlerContext) {
        service.meters.answered(.httpFLV, status: 200)
        state = .closed
        context.writeAndFlush(NIOAny(FLVSession.responseHead)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
