import ClusterModel
import Drivers
import FanOut
import Logging
import Metrics
import NIOCore
import RTMP
import Streams

extension RTMPConnection {
    func playRequested(_ id: RequestID, _ address: StreamAddress) {
        requestedAt = .now()
        guard let context else { return }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let request: PlayRequest
        do throws(NameError) {
            request = PlayRequest(
                stream: try StreamID(playable: address.app, id: address.name),
                protocol: .rtmp,
                remoteAddress: clientAddress,
                token: address.token
            )
        } catch { return refusePlay(id, .badName(error)) }
        service.gate.play(request) { result in loop.execute { bound.value.playDecided(id, result) } }
    }

    private func playDecided(_ id: RequestID, _ result: Result<LiveStream, Refusal>) {
        switch result {
        case .failure(let refusal): refusePlay(id, refusal)
        case .success(let stream):
            guard let context, case .undecided = role else { return }
            driver.change { $0.acceptPlay(id) }
            startPlaying(stream, on: context)
        }
    }

    private func refusePlay(_ id: RequestID, _ refusal: Refusal) {
        logRefusal("play refused", refusal, .info)
        driver.change { $0.refusePlay(id, refusal.playCode, refusal.description) }
    }

    private func startPlaying(_ stream: LiveStream, on context: ChannelHandlerContext) {
        let viewer = Viewer(context: context, isPlain: isPlain)
        let outlet = service.outlets.outlet(for: stream)
        viewer.onEnd = { [weak self] end in self?.playerEnded(end) }
        viewer.onFirstFrame = { [requestedAt, firstFrame = service.firstFrame] in
            firstFrame.recordNanoseconds((NIODeadline.now() - requestedAt).nanoseconds)
        }
        role = .player(stream, outlet, viewer)
        stream.countViewers(1, of: .rtmp)
        outlet.add(viewer)
    }

    private func playerEnded(_ reason: Viewer.End) {
        guard case .player(let stream, let outlet, let viewer) = role else { return }
        role = .over
        outlet.remove(viewer)
        stream.countViewers(-1, of: .rtmp)
        switch reason {
        case .streamEnded:
            driver.change { $0.endPlay() }
            context?.close(promise: nil)
        case .tooSlow, .connectionLost: context?.close(promise: nil)
        }
    }
}
