import ClusterModel
import MediaModel
import Streams
import Timebase
import Worker

import struct NIOCore.ByteBuffer

/// An encoder that sends one stream to whichever origin takes it, and comes back when it is cut off.
final class SimulatedPublisher: @unchecked Sendable {
    private static let interval = Duration.seconds(1)
    /// A server that takes nothing for this long is left.
    private static let patience = Duration.seconds(6)

    let stream: StreamID
    private let cluster: Cluster
    private(set) var isWanted = false
    private(set) var wantedSince: Int64 = 0
    private(set) var acceptedAt: Int64 = 0
    private(set) var worker: WorkerProcess?
    private(set) var publication: Publication?
    private var connection: Int?
    private var attempt = 0
    private var pausedSince: Int64?
    private var world: World { cluster.world }

    init(stream: StreamID, cluster: Cluster) {
        (self.stream, self.cluster) = (stream, cluster)
    }

    func arrive() {
        guard !isWanted else { return }
        isWanted = true
        wantedSince = world.now
        ask()
    }

    /// `isClean`: with a goodbye.
    func depart(isClean: Bool) {
        guard isWanted else { return }
        isWanted = false
        world.trace("the publisher of \(stream) leaves\(isClean ? "" : " without goodbye")")
        leave(isClean: isClean)
    }

    /// The connection breaks; it comes back at once.
    func stumble() {
        guard publication != nil else { return }
        world.trace("the publisher of \(stream) stumbles")
        cutOff(attempt)
    }

    private func ask() {
        guard isWanted, publication == nil else { return }
        attempt += 1
        let turn = attempt
        guard let worker = cluster.pickWorker(where: { $0.registration.role.takesPublishers }) else {
            return askLater(300...700)
        }
        self.worker = worker
        connection = worker.connect { [self] in cutOff(turn) }
        world.after(.seconds(12)) { [self] in
            if attempt == turn, publication == nil { cutOff(turn) }
        }
        let request = PublishRequest(stream: stream, protocol: .rtmp, remoteAddress: nil, token: nil)
        Task {
            do throws(Refusal) {
                accepted(try await worker.coordinator.publish(request, on: cluster.loop), on: worker, turn)
            } catch {
                world.trace("\(worker.name) refuses the publisher of \(stream): \(error.reason)")
                cutOff(turn)
            }
        }
    }

    private func askLater(_ milliseconds: ClosedRange<Int>) {
        attempt += 1
        let turn = attempt
        world.after(world.duration(milliseconds)) { [self] in
            if attempt == turn { ask() }
        }
    }

    private func accepted(_ publication: Publication, on worker: WorkerProcess, _ turn: Int) {
        guard attempt == turn, isWanted, !worker.isDead else { return publication.end(isClean: false) }
        self.publication = publication
        acceptedAt = world.now
        pausedSince = nil
        world.trace("\(worker.name) takes the publisher of \(stream), epoch \(publication.epoch.value)")
        publication.whenRevoked { [self] _ in
            world.after(.zero) { [self] in cutOff(turn) }
        }
        let track = Track(id: .audio, codec: .mp3(sampleRate: 48_000, channels: 2))
        publication.deliver([.tracks([track])])
        send(turn)
    }

    private func send(_ turn: Int) {
        guard attempt == turn, let publication, let worker else { return }
        if worker.isPaused {
            let since = pausedSince ?? world.now
            pausedSince = since
            if world.now - since > Self.patience.nanoseconds { return cutOff(turn) }
        } else {
            pausedSince = nil
            let time = MediaTime(milliseconds: world.now / 1_000_000)
            let unit = AccessUnit(
                track: .audio,
                decodeTime: time,
                isKeyframe: true,
                payload: ByteBuffer(integer: UInt64(bitPattern: world.now))
            )
            publication.deliver([.unit(unit, frame: nil)])
        }
        world.after(Self.interval) { [self] in send(turn) }
    }

    private func cutOff(_ turn: Int) {
        guard attempt == turn else { return }
        leave(isClean: false)
        if isWanted { askLater(100...900) }
    }

    private func leave(isClean: Bool) {
        attempt += 1
        if let connection { worker?.disconnect(connection) }
        connection = nil
        guard let worker, let publication else { return }
        self.publication = nil
        wantedSince = world.now
        worker.deliver { publication.end(isClean: isClean) }
    }
}
