import MediaModel
package import RTP
import Timebase

/// Leads one player from one rendition to another with no step back in time. All renditions of a stream have their keyframes
/// at the same times, and one may be ahead of another by what an encoder holds.
///
///     steady ──move──► leaving ──keyframe of the old one, at T──► joining ──keyframe of the new one, at T or later──► steady
///                         ▲                                          └── another keyframe of the old one: given up ──► steady
///
/// Who cannot wait for keyframes jumps: it goes on with all that the new one has kept since its newest keyframe.
///
///     steady ──jump──► jumping ──what the new one has kept──► steady
///
/// Sound goes on from whichever of the two is ahead.
package struct RenditionSwitch<Rendition: Hashable & Sendable>: Sendable {
    /// What the driver is to do.
    package enum Step: Hashable, Sendable {
        /// Have the player given this one's frames too, those since its last keyframe first.
        case join(Rendition)
        case leave(Rendition)
    }

    private enum State {
        case steady
        case leaving(for: Rendition)
        case joining(Rendition, from: MediaTime)
        case jumping(to: Rendition)
    }

    package private(set) var current: Rendition
    private var state = State.steady
    private var lastSound: MediaTime?
    private var lastPicture: MediaTime?

    package init(_ rendition: Rendition) { current = rendition }

    package var isSteady: Bool { if case .steady = state { true } else { false } }

    /// The renditions whose frames come.
    package var joined: [Rendition] {
        switch state {
        case .steady, .leaving: [current]
        case .joining(let next, _), .jumping(to: let next): [current, next]
        }
    }

    /// From the next keyframe on. Without effect during another move.
    package mutating func move(to next: Rendition) {
        if isSteady, next != current { state = .leaving(for: next) }
    }

    /// At once. Nil during another move.
    package mutating func jump(to next: Rendition) -> Step? {
        guard isSteady, next != current else { return nil }
        state = .jumping(to: next)
        return .join(next)
    }

    /// A rendition that was joined has kept these. Nil unless the player jumps to it; then they are all for the player, or none
    /// where there is no keyframe.
    package mutating func jumped(_ kept: [PacketizedFrame], of rendition: Rendition) -> (isWanted: Bool, step: Step)? {
        guard case .jumping(to: let next) = state, next == rendition else { return nil }
        state = .steady
        guard kept.contains(where: { $0.track == .video && $0.isKeyframe }) else { return (false, .leave(rendition)) }
        defer { current = rendition }
        lastPicture = kept.last { $0.track == .video }?.presentationTime
        return (true, .leave(current))
    }

    /// Whether all these frames go to the player, which is how it mostly is: then nothing has to be looked at one by one.
    package mutating func admitsAll(_ frames: [PacketizedFrame], of rendition: Rendition) -> Bool {
        guard isSteady, rendition == current else { return false }
        var (sound, picture) = (lastSound, lastPicture)
        for frame in frames {
            if frame.track == .video {
                picture = frame.presentationTime
            } else {
                if let sound, frame.presentationTime <= sound { return false }
                sound = frame.presentationTime
            }
        }
        (lastSound, lastPicture) = (sound, picture)
        return true
    }

    /// Whether the frame goes to the player.
    package mutating func admit(_ frame: PacketizedFrame, of rendition: Rendition) -> (isWanted: Bool, step: Step?) {
        guard frame.track == .video else { return (admit(sound: frame.presentationTime), nil) }
        let (isWanted, step) = admit(picture: frame, of: rendition)
        if isWanted { lastPicture = frame.presentationTime }
        return (isWanted, step)
    }

    /// The rendition has ended. Nil when the player's last one has.
    package mutating func lost(_ rendition: Rendition, fallback: Rendition) -> Step? {
        switch state {
        case .steady where rendition == current, .leaving where rendition == current:
            guard fallback != rendition else { return nil }
            state = .joining(fallback, from: lastPicture.map { $0 + MediaTime(ticks: 1) } ?? .zero)
            return .join(fallback)
        case .joining(let next, _) where rendition == next:
            state = .steady
            return .leave(next)
        case .leaving(for: let next) where rendition == next, .jumping(to: let next) where rendition == next:
            state = .steady
            return .leave(next)
        case .steady, .leaving, .joining, .jumping: return .leave(rendition)
        }
    }

    private mutating func admit(sound time: MediaTime) -> Bool {
        if let lastSound, time <= lastSound { return false }
        lastSound = time
        return true
    }

    private mutating func admit(picture frame: PacketizedFrame, of rendition: Rendition) -> (Bool, Step?) {
        switch state {
        case .steady, .jumping: return (rendition == current, nil)
        case .leaving(for: let next):
            guard rendition == current else { return (false, nil) }
            guard frame.isKeyframe else { return (true, nil) }
            state = .joining(next, from: frame.presentationTime)
            return (false, .join(next))
        case .joining(let next, let time):
            guard frame.isKeyframe, frame.presentationTime >= time else { return (false, nil) }
            if rendition == next {
                defer { (current, state) = (next, .steady) }
                return (true, .leave(current))
            }
            guard rendition == current, frame.presentationTime > time else { return (false, nil) }
            state = .steady
            return (true, .leave(next))
        }
    }
}
