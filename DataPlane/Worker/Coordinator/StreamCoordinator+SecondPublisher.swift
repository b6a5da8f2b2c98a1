import ClusterModel
import Logging
import MediaModel
import Observability
import Streams
import Timebase

/// A publisher that comes to a stream whose publisher is here.
extension StreamCoordinator {
    /// A hot backup: connected and heard, until the first publisher leaves or is silent.
    struct Backup {
        let publication: Publication
        let watch: Task<Void, Never>
    }

    /// How long the first publisher may send nothing while another stands by.
    static let silenceMax = Duration.seconds(3)
    private static let silenceInterval = Duration.milliseconds(250)

    func publishAgain(to hold: Hold) async throws(Refusal) -> Publication {
        let id = hold.stream.id
        if hold.publication != nil, !takesSecondPublisher(hold) { throw .inUse(id, owner: identity.nodeID) }
        guard lease.isHeld(at: clock.now()) else { throw .unavailable("this node's lease is unconfirmed") }
        guard let present = hold.publication else { return await resume(hold) }
        if policy(of: hold) == .standBy { return standBy(for: hold) }
        logger.notice("publisher replaced by a second one", metadata: [LogKeys.stream: "\(id)"])
        present.revoke(.removed)
        return await resume(hold)
    }

    /// Whether another publisher may come while the first is here.
    func takesSecondPublisher(_ hold: Hold) -> Bool { policy(of: hold) != .refuse && hold.backup == nil }

    private func policy(of hold: Hold) -> AppSettings.SecondPublisher {
        (appSettings[hold.stream.id.app] ?? hold.settings).secondPublisher
    }

    private func standBy(for hold: Hold) -> Publication {
        let id = hold.stream.id
        let publication = makePublication(hold.stream, hold.epoch, standsBy: true)
        let watch = Task { await self.watchSilence(of: hold, backup: publication) }
        holds[id]?.backup = Backup(publication: publication, watch: watch)
        tellScreen(of: id)
        logger.notice("publisher stands by", metadata: [LogKeys.stream: "\(id)"])
        return publication
    }

    private func watchSilence(of hold: Hold, backup: Publication) async {
        let present = await onceSilent(hold) { $0.backup?.publication === backup }
        if let present { await promoteBackup(of: present) }
    }

    /// The hold, once its publisher has sent nothing for too long; nil when it is over or not waited for before.
    private func onceSilent(_ hold: Hold, while isAwaited: (Hold) -> Bool) async -> Hold? {
        let stream = hold.stream
        var received = stream.receivedBytes
        var heardAt = clock.now()
        while await clock.sleep(Self.silenceInterval) {
            guard let present = holds[stream.id], present.epoch == hold.epoch, isAwaited(present) else { return nil }
            let now = clock.now()
            if stream.receivedBytes != received { (received, heardAt) = (stream.receivedBytes, now) }
            if now - heardAt >= Self.silenceMax { return present }
        }
        return nil
    }

    // MARK: One that stands by on another node

    /// What the control plane says of who stands by for a stream of this node.
    func noteSuccessor(_ successor: String?, of id: StreamID, epoch: Int64) {
        guard let hold = holds[id], hold.epoch.value == epoch, (hold.succession == nil) != (successor == nil) else {
            return
        }
        hold.succession?.cancel()
        holds[id]?.succession =
            successor == nil
            ? nil
            : Task {
                while let silent = await self.onceSilent(hold, while: { $0.succession != nil }) {
                    // Who stands by here goes first.
                    if silent.backup == nil { return await self.handOver(silent) }
                }
            }
    }

    /// The stream is free for the node whose publisher stands by; viewers here are fed from there.
    func handOver(_ hold: Hold) async {
        var hold = hold
        // This may be its own task: cancelled with the hold, it could not tell the control plane.
        hold.succession = nil
        logger.notice("handed over to one that stands by", metadata: [LogKeys.stream: "\(hold.stream.id)"])
        hold.publication?.revoke(.removed)
        await giveUp(hold)
    }

    /// The backup becomes the stream's publisher: the epoch stays and the timeline goes on.
    func promoteBackup(of hold: Hold) async {
        guard let backup = hold.backup else { return }
        let stream = hold.stream
        hold.publication?.revoke(.removed)
        holds[stream.id]?.publication = backup.publication
        holds[stream.id]?.backup = nil
        tellScreen(of: stream.id)
        await stream.loop.run {
            stream.publisherReturned()
            backup.publication.begin()
        }
        backup.watch.cancel()
        logger.notice("the publisher that stood by took over", metadata: [LogKeys.stream: "\(stream.id)"])
    }

    /// True when it was the backup that left.
    func backupLeft(_ publication: Publication) -> Bool {
        let id = publication.stream.id
        guard let backup = holds[id]?.backup, backup.publication === publication else { return false }
        backup.watch.cancel()
        holds[id]?.backup = nil
        tellScreen(of: id)
        return true
    }
}

extension StreamCoordinator.Hold {
    /// The hold is over: nobody need come back or stand by.
    func stopWaiting(_ reason: EndReason) {
        grace?.cancel()
        succession?.cancel()
        backup?.watch.cancel()
        backup?.publication.revoke(reason)
    }

    var publisherCount: Int { (publication == nil ? 0 : 1) + (backup == nil ? 0 : 1) }
}
