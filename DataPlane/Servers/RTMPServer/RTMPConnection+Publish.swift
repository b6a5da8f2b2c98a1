import ClusterModel
import Drivers
import Logging
import MediaModel
import Metrics
import NIOCore
import Observability
import RTMP
import Streams

extension RTMPConnection {
    func publishRequested(_ id: RequestID, _ address: StreamAddress) {
        guard let context else { return }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let request: PublishRequest
        do throws(NameError) {
            request = PublishRequest(
                stream: try StreamID(app: address.app, id: address.name),
                protocol: .rtmp,
                remoteAddress: clientAddress,
                token: address.token
            )
        } catch { return refusePublish(id, .badName(error)) }
        service.gate.publish(request, on: loop) { result in
            loop.execute { bound.value.publishDecided(id, result) }
        }
    }

    private func publishDecided(_ id: RequestID, _ result: Result<Publication, Refusal>) {
        switch result {
        case .failure(let refusal): refusePublish(id, refusal)
        case .success(let publication):
            // The publisher may have left while the control plane decided.
            guard let context, case .undecided = role else { return publication.end(isClean: false) }
            logger[metadataKey: LogKeys.stream] = "\(publication.stream.id)"
            role = .publisher(publication)
            sender = pacedReads?.add(context.channel) { [unowned self] bytes in
                received(bytes)
                deliverBatch()
            }
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            publication.whenRevoked { reason in
                bound.eventLoop.execute { bound.value.revoked(reason) }
            }
            publication.whenAsked { request in
                bound.eventLoop.execute { bound.value.asked(request) }
            }
            driver.change { $0.acceptPublish(id) }
            deliverBatch()
        }
    }

    private func refusePublish(_ id: RequestID, _ refusal: Refusal) {
        logRefusal("publish refused", refusal, .notice)
        driver.change { $0.refusePublish(id, refusal.publishCode, refusal.description) }
    }

    private func revoked(_ reason: EndReason) {
        guard case .publisher = role else { return }
        logger.notice("publisher closed", metadata: [LogKeys.reason: "\(reason)"])
        switch reason {
        case .draining: driver.change { $0.close(.failed, Refusal.draining.description) }
        default: driver.change { $0.close(.publishBadName, "the stream has moved to another publisher") }
        }
    }

    private func asked(_ request: Publication.Request) {
        guard case .publisher(let publication) = role else { return }
        switch request {
        case .move:
            guard driver.change({ $0.requestReconnect("this node drains: connect anew") }) else { return }
            publication.toldToMove()
            logger.notice("publisher asked to reconnect elsewhere")
        case .leaveAtKeyframe: leavesAtKeyframe = true
        }
    }

    private func leaveForDrain() {
        logger.notice("publisher closed", metadata: [LogKeys.reason: "draining"])
        deliverBatch()
        driver.change { $0.close(.failed, Refusal.draining.description) }
    }

    func take(_ message: MediaMessage) {
        guard case .publisher = role else { return }
        if message.kind == .video { hasVideo = true }
        if leavesAtKeyframe, message.isKeyframe || !hasVideo { return leaveForDrain() }
        batchBytes += message.payload.readableBytes
        do throws(RTMPToStream.Fault) {
            try adapter.take(message, into: &batch)
        } catch {
            service.protocolErrors(error.reason)
            logger.notice("publisher closed", metadata: [LogKeys.reason: "\(error.reason)", LogKeys.error: "\(error)"])
            driver.change { $0.close(.failed, error.description) }
        }
    }

    func deliverBatch() {
        guard !batch.isEmpty, case .publisher(let publication) = role else { return batch.removeAll() }
        service.ingestBytes.increment(by: batchBytes)
        batchBytes = 0
        publication.deliver(batch)
        batch.removeAll(keepingCapacity: true)
    }
}
