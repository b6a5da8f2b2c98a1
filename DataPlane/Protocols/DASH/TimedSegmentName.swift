package import HLS
package import MediaModel
package import Timebase

/// A segment's pictures or sound as a description names them, by the media time at which the segment begins:
/// `{rendition}_{component}-{epoch}-t{ticks}.m4s`.
///
/// By their numbers ffmpeg's reader, and so mpv and Kodi, played the whole window again after each update: it counts a
/// timeline from 0 and compares that with `startNumber`.
package struct TimedSegmentName: Hashable, Sendable, CustomStringConvertible {
    /// Of the whole segment.
    package let rendition: String
    package let component: SegmentComponent
    package let epoch: Epoch
    package let time: MediaTime

    package init(rendition: String, component: SegmentComponent, epoch: Epoch, time: MediaTime) {
        self.rendition = rendition
        self.component = component
        self.epoch = epoch
        self.time = time
    }

    /// Nil for every text that `description` would not write.
    package init?(_ text: Substring) {
        guard text.utf8.count <= Self.bytesMax else { return nil }
        let fields = text.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[2].hasPrefix("t"), fields[2].hasSuffix(Self.end),
            let component = SegmentComponent.allCases.first(where: { fields[0].hasSuffix("_\($0.rawValue)") }),
            let epoch = Int64(fields[1]), let ticks = Int64(fields[2].dropFirst().dropLast(Self.end.count)),
            (0..<Self.ticksEnd).contains(ticks)
        else { return nil }
        self.init(
            rendition: String(fields[0].dropLast(component.rawValue.count + 1)),
            component: component,
            epoch: Epoch(epoch),
            time: MediaTime(ticks: ticks)
        )
        guard !rendition.isEmpty, epoch >= 0, description == text else { return nil }
    }

    private static let bytesMax = 200
    private static let end = ".m4s"
    /// As of the relay: no sum of times overflows.
    private static let ticksEnd: Int64 = 1 << 47

    package var description: String {
        "\(component.rendition(of: rendition))-\(epoch.value)-t\(time.ticks)\(Self.end)"
    }

    /// The object that it is, once it is known which segment begins then.
    package func object(_ sequence: UInt64) -> ObjectName {
        ObjectName(rendition: component.rendition(of: rendition), epoch: epoch, kind: .segment(sequence))
    }
}
