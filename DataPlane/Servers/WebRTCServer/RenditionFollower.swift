import ClusterModel
import Drivers
import Logging
import MediaModel
import NIOCore
import Observability
import RTP
import Streams
import Timebase
import WebRTC

/// What a stream's players may have instead of its source, where the app has a ladder or the publisher sends layers.
struct RenditionOffer: Sendable {
    struct Rung: Sendable {
        var name: String
        var height: Int
        var bitsPerSecond: Int
        /// A layer of the publisher's, in order as all that came by WebRTC.
        var isPublished: Bool

        var derivation: StreamID.Derivation { isPublished ? .rung(name) : .inOrder(rung: name) }
    }

    /// Highest first.
    var rungs: [Rung] = []
    /// Of the stream itself.
    var height = 0
    /// Of the stream itself, as measured.
    var bitsPerSecond = 0
    /// Of its pictures; what was agreed on with a player holds for all renditions.
    var codec: String?
}

/// Finds the rendition that one player's path carries, and leads the player there. On the player's loop.
final class RenditionFollower {
    /// A rung that could not be had, as encoders are busy or gave it up, is not asked for again within this.
    private static let pauseAfterFailure = Duration.seconds(30)

    /// The stream as it was asked for. On an edge it ends while all its players are on rungs; who comes back has it opened anew.
    private var home: PeerOutlet
    /// Whose viewer the player is; nil until it is there.
    private var counted: LiveStream?
    private let ask: SessionAsk
    private let service: WebRTCService
    private unowned let peer: PeerConnection
    private var choice: RenditionChoice
    private var switching: RenditionSwitch<StreamID>
    /// Those that are joined, or about to be; of rungs with their names.
    private var outlets: [StreamID: (outlet: PeerOutlet, rung: String?)]
    /// As far as a home has told it: one that was opened anew tells nothing at first.
    private var codec: String?
    private var nextJudgement: MonotonicInstant?
    private var isSearching = false
    /// What is played is too much for the path: each moment more of it breaks pictures, or delays them.
    private var isPressed = false
    /// What was played has ended.
    private var isStranded = false
    private var absentUntil: [String: MonotonicInstant] = [:]
    /// Lines that the player asked for, instead of what its path carries.
    var forced: Int?

    init(_ home: PeerOutlet, ask: SessionAsk, service: WebRTCService, peer: PeerConnection) {
        self.home = home
        self.ask = ask
        self.service = service
        self.peer = peer
        choice = RenditionChoice(limits: service.parts.limits.renditions)
        switching = RenditionSwitch(home.stream.id)
        outlets = [home.stream.id: (home, nil)]
    }

    /// Whose pictures the player sees.
    var current: PeerOutlet { outlets[switching.current]?.outlet ?? home }

    /// The player is there.
    func begin() {
        home.stream.countViewers(1, of: .webrtc)
        counted = home.stream
        home.add(peer)
    }

    func end() {
        for id in switching.joined { outlets[id]?.outlet.remove(peer) }
        outlets = [:]
        counted?.countViewers(-1, of: .webrtc)
        counted = nil
    }

    /// The frames of an outlet that are for the player.
    func admit(_ frames: [PacketizedFrame], of outlet: PeerOutlet) -> [PacketizedFrame] {
        if switching.admitsAll(frames, of: outlet.stream.id) { return frames }
        return frames.filter { frame in
            let (isWanted, step) = switching.admit(frame, of: outlet.stream.id)
            if let step { take(step) }
            return isWanted
        }
    }

    /// Those that an outlet had when the player joined it.
    func admit(kept: [PacketizedFrame], of outlet: PeerOutlet) -> [PacketizedFrame] {
        guard let (isWanted, step) = switching.jumped(kept, of: outlet.stream.id) else {
            return admit(kept, of: outlet)
        }
        take(step)
        return isWanted ? kept : []
    }

    /// False when nothing is left to play.
    func ended(_ outlet: PeerOutlet) -> Bool {
        let id = outlet.stream.id
        guard outlets[id]?.outlet === outlet else { return true }
        guard let step = switching.lost(id, fallback: home.stream.id) else { return false }
        if case .join = step {
            (outlets[id], isStranded) = (nil, true)
            if !isSearching { search(nil) }
            return true
        }
        take(step)
        return outlets[switching.current] != nil
    }

    private func take(_ step: RenditionSwitch<StreamID>.Step) {
        switch step {
        case .join(let id): outlets[id]?.outlet.add(peer)
        case .leave(let id):
            outlets[id]?.outlet.remove(peer)
            if id != home.stream.id, id != switching.current { outlets[id] = nil }
            countOver()
        }
    }

    private func countOver() {
        let stream = current.stream
        guard let counted, stream !== counted else { return }
        counted.countViewers(-1, of: .webrtc)
        stream.countViewers(1, of: .webrtc)
        self.counted = stream
    }

    // MARK: Which one

    func judge(_ path: PathReport, at now: MonotonicInstant) {
        if let nextJudgement, now < nextJudgement { return }
        nextJudgement = now + service.parts.limits.renditions.interval
        let offer = home.offer
        guard !offer.rungs.isEmpty, switching.isSteady, !isSearching else { return }
        let usable = offer.rungs.filter { rung in
            (forced != nil || rung.bitsPerSecond < offer.bitsPerSecond)
                && absentUntil[rung.name].map { now >= $0 } ?? true
        }
        let names = [nil] + usable.map { Optional($0.name) }
        guard let place = names.firstIndex(of: outlets[switching.current]?.rung) else {
            return search(nil)
        }
        let chosen: Int
        if let forced {
            chosen = RenditionChoice.place(of: forced, heights: [offer.height] + usable.map(\.height))
        } else {
            let bitrates = [offer.bitsPerSecond] + usable.map(\.bitsPerSecond)
            chosen = choice.judge(path, bitrates: bitrates, current: place, at: now)
        }
        guard chosen != place else { return }
        isPressed = forced == nil && chosen > place
        search(chosen > 0 ? usable[chosen - 1] : nil)
    }

    /// Nil for the stream itself.
    private func search(_ rung: RenditionOffer.Rung?) {
        isSearching = true
        let name = rung?.name
        var request = PlayRequest(
            stream: rung.map { home.stream.id.source.derived($0.derivation) } ?? home.stream.id,
            protocol: .webrtc,
            remoteAddress: ask.remoteAddress,
            token: ask.token
        )
        request.isOfPresentPlayer = true
        // The peer too: it may leave while the answer is on its way.
        let bound = NIOLoopBound((follower: self, peer: peer), eventLoop: peer.loop)
        codec = home.offer.codec ?? codec
        let (service, loop, codec) = (service, peer.loop, codec)
        Task {
            let outlet = await service.outlet(of: request, codec: codec)
            loop.execute { bound.value.follower.found(outlet, name) }
        }
    }

    private func found(_ outlet: PeerOutlet?, _ name: String?) {
        isSearching = false
        guard !peer.isGone else { return }
        if isStranded { return strandedFound(outlet, name) }
        guard let outlet else {
            if let name { absentUntil[name] = peer.loop.instant + Self.pauseAfterFailure }
            return
        }
        keep(outlet, name)
        if isPressed {
            if let step = switching.jump(to: outlet.stream.id) { take(step) }
        } else {
            switching.move(to: outlet.stream.id)
        }
    }

    /// The switch waits for the stream itself; without it there is nothing left to play.
    private func strandedFound(_ outlet: PeerOutlet?, _ name: String?) {
        guard name == nil else { return search(nil) }
        guard let outlet else { return peer.close() }
        isStranded = false
        keep(outlet, nil)
        outlet.add(peer)
    }

    private func keep(_ outlet: PeerOutlet, _ name: String?) {
        outlets[outlet.stream.id] = (outlet, name)
        if name == nil { home = outlet }
    }
}

@available(*, unavailable)
extension RenditionFollower: Sendable {}

extension WebRTCService {
    /// Where a rendition's players are served; nil when it is not to be had, or not in this codec.
    fileprivate func outlet(of request: PlayRequest, codec: String?) async -> PeerOutlet? {
        let stream: LiveStream
        do throws(Refusal) {
            stream = try await parts.gate.play(request)
        } catch {
            parts.logger.info(
                "rendition not to be had",
                metadata: [LogKeys.stream: "\(request.stream)", LogKeys.error: "\(error)"]
            )
            return nil
        }
        let found = try? await stream.loop.submit { stream.tracks.first { $0.kind == .video }?.codec.name }.get()
        guard found == codec else { return nil }
        return parts.outlets.outlet(for: stream, limits: parts.limits, logger: parts.logger)
    }
}
