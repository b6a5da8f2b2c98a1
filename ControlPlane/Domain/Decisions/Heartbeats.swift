package import ClusterModel
package import Timebase

extension ClusterState {
    /// The renewal that a heartbeat asks the store for. `json` is the heartbeat as it came, which spares writing it again.
    package func renewal(
        for nodeID: String,
        _ heartbeat: Heartbeat,
        json: [UInt8]? = nil
    ) throws(Problem) -> LeaseRenewal {
        let node = try currentNode(nodeID, boot: heartbeat.bootId)
        func report() throws(Problem) -> [UInt8] {
            if let json { return json }
            do throws(StoreError) { return try RecordCoding.encode(heartbeat) } catch { throw .storeUnavailable(error) }
        }
        return LeaseRenewal(
            nodeID: nodeID,
            bootID: heartbeat.bootId,
            bootNumber: node.bootNumber,
            report: try report()
        )
    }

    /// The answer once the lease is renewed.
    package func answer(
        to heartbeat: Heartbeat,
        of nodeID: String,
        revision: Int64,
        at now: WallTime
    ) throws(Problem) -> HeartbeatAnswer {
        _ = try currentNode(nodeID, boot: heartbeat.bootId)
        return HeartbeatAnswer(
            state: state(of: nodeID, at: now),
            lost: heartbeat.holds.compactMap { lost($0, by: nodeID, boot: heartbeat.bootId) },
            directives: directives(for: nodeID, at: now),
            revision: revision,
            orders: orders(for: nodeID),
            unwantedRecordings: unwantedRecordings[nodeID]?.sorted()
        )
    }

    private func lost(_ hold: Hold, by nodeID: String, boot: String) -> LostHold? {
        guard let stream = try? StreamID(app: hold.app, id: hold.id), let record = streams[stream]?.body else {
            return LostHold(app: hold.app, id: hold.id, epoch: hold.epoch, by: nil)
        }
        // A claim answered by another control plane may be ahead of what this one has heard.
        guard record.epoch >= hold.epoch else { return nil }
        let isHeld = record.epoch == hold.epoch && record.owner?.nodeId == nodeID && record.owner?.bootId == boot
        return isHeld ? nil : LostHold(app: hold.app, id: hold.id, epoch: record.epoch, by: record.owner?.nodeId)
    }
}
