package import HLS
package import MediaModel

/// What DASH takes of a segment: its pictures or its sound. An object `source_video-17-5.m4s` is that of `source-17-5.m4s`, so
/// every node that has the one has the other.
package enum SegmentComponent: String, CaseIterable, Sendable {
    case video
    case audio

    package var kind: TrackKind {
        switch self {
        case .video: .video
        case .audio: .audio
        }
    }

    /// Of each kind a stream's first.
    package var track: TrackID {
        switch self {
        case .video: .video
        case .audio: .audio
        }
    }

    package func rendition(of whole: String) -> String { "\(whole)_\(rawValue)" }
}

extension ObjectName {
    /// The object that this one is taken from, and what of it; nil of whole objects.
    package var component: (whole: ObjectName, component: SegmentComponent)? {
        guard let component = SegmentComponent.allCases.first(where: { rendition.hasSuffix("_\($0.rawValue)") }) else {
            return nil
        }
        let whole = String(rendition.dropLast(component.rawValue.count + 1))
        return (ObjectName(rendition: whole, epoch: epoch, kind: kind, container: container), component)
    }
}
