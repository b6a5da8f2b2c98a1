import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Renders a media playlist (draft-pantos-hls-rfc8216bis) from an index.
///
/// The playlist lies at `/{app}/streams/{id}.m3u8` and its objects under `/{app}/streams/{id}/`, so URIs begin with
/// `{id}/`. The bytes depend on nothing but the arguments.
package struct MediaPlaylist: Sendable {
    /// Parts a player keeps between itself and the end. Three is the least allowed; five ride out one late delivery.
    package static let holdBackParts: Int64 = 5
    /// CAN-SKIP-UNTIL in target durations; six is the least allowed (§4.4.3.8).
    package static let skipUntilTargetDurations: Int64 = 6

    package let index: SegmentIndex
    package let streamID: String
    package let rendition: String
    /// Playlists of the other renditions, relative to this one.
    package let siblings: [String]

    package init(
        index: SegmentIndex,
        streamID: String,
        rendition: String = ObjectName.sourceRendition,
        siblings: [String] = []
    ) {
        self.index = index
        self.streamID = streamID
        self.rendition = rendition
        self.siblings = siblings
    }

    /// - Parameters:
    ///   - skip: answers `_HLS_skip`: segments the player already knows are counted, not listed.
    ///   - token: the request's own token, repeated on every URI.
    package func render(skip: Bool = false, token: String? = nil) -> ByteBuffer {
        var text = PlaylistText(capacity: 1024 + index.segments.count * 1024)
        writeHeader(&text)
        let skipped = skip ? skippableSegments : 0
        if skipped > 0 {
            text.write("#EXT-X-SKIP:SKIPPED-SEGMENTS=")
            text.write(skipped)
            text.write("\n")
        }
        var header = skipped > 0 ? index.segments[skipped - 1].discontinuity : nil
        for segment in index.segments.dropFirst(skipped) {
            write(segment, header: &header, token: token, into: &text)
            text.write("#EXTINF:")
            text.write(seconds: segment.duration)
            text.write(",\n")
            writeURI(.segment(segment.sequence), token: token, into: &text)
            text.write("\n")
        }
        if let open = index.open {
            write(open, header: &header, token: token, into: &text)
            text.write("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"")
            writeURI(.part(open.sequence, UInt32(clamping: open.parts.count)), token: token, into: &text)
            text.write("\"\n")
        }
        if index.isEnded { text.write("#EXT-X-ENDLIST\n") } else { writeReports(token: token, into: &text) }
        return text.bytes
    }

    /// All renditions are cut alike, so that of another one can be said what is true of this one: what is not there yet, a
    /// player that asks for it waits for.
    private func writeReports(token: String?, into text: inout PlaylistText) {
        guard !siblings.isEmpty else { return }
        let newest = index.open.flatMap { $0.parts.isEmpty ? nil : $0 } ?? index.segments.last
        guard let newest, !newest.parts.isEmpty else { return }
        for sibling in siblings {
            text.write("#EXT-X-RENDITION-REPORT:URI=\"")
            text.write(sibling)
            write(token: token, into: &text)
            text.write("\",LAST-MSN=")
            text.write(newest.sequence)
            text.write(",LAST-PART=")
            text.write(newest.parts.count - 1)
            text.write("\n")
        }
    }

    /// Segments that lie wholly before the skip boundary (§6.2.5.1).
    package var skippableSegments: Int {
        let boundary = MediaTime(seconds: Double(index.targetDurationSeconds * Self.skipUntilTargetDurations))
        var behind = index.open?.duration ?? .zero
        for (position, segment) in index.segments.enumerated().reversed() {
            if behind >= boundary { return position + 1 }
            behind = behind + segment.duration
        }
        return 0
    }

    private func writeHeader(_ text: inout PlaylistText) {
        text.write("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:")
        text.write(index.targetDurationSeconds)
        text.write("\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=")
        text.write(seconds: MediaTime(ticks: index.partTarget.ticks * Self.holdBackParts))
        text.write(",CAN-SKIP-UNTIL=")
        text.write(index.targetDurationSeconds * Self.skipUntilTargetDurations)
        text.write("\n#EXT-X-PART-INF:PART-TARGET=")
        text.write(seconds: index.partTarget)
        text.write("\n#EXT-X-MEDIA-SEQUENCE:")
        let first = index.segments.first ?? index.open
        text.write(first?.sequence ?? 0)
        text.write("\n#EXT-X-DISCONTINUITY-SEQUENCE:")
        // The first segment's own EXT-X-DISCONTINUITY stands in the playlist and so counts on top (RFC 8216 §6.2.1).
        let own: UInt64 = first?.isDiscontinuous == true ? 1 : 0
        text.write(max(first?.discontinuity ?? 0, own) - own)
        text.write("\n")
        if index.segments.allSatisfy(\.isIndependent) { text.write("#EXT-X-INDEPENDENT-SEGMENTS\n") }
    }

    /// Everything of a segment but its EXTINF: an open one has no more.
    private func write(
        _ segment: SegmentIndex.Segment,
        header: inout UInt64?,
        token: String?,
        into text: inout PlaylistText
    ) {
        if segment.isDiscontinuous { text.write("#EXT-X-DISCONTINUITY\n") }
        if header != segment.discontinuity, index.settings.container == .fragmentedMP4 {
            header = segment.discontinuity
            text.write("#EXT-X-MAP:URI=\"")
            writeURI(.initialization(segment.discontinuity), token: token, into: &text)
            text.write("\"\n")
        }
        text.write("#EXT-X-PROGRAM-DATE-TIME:")
        text.write(segment.wallTime.rfc3339)
        text.write("\n")
        for (number, part) in segment.parts.enumerated() {
            text.write("#EXT-X-PART:DURATION=")
            text.write(seconds: part.duration)
            text.write(",URI=\"")
            writeURI(.part(segment.sequence, UInt32(clamping: number)), token: token, into: &text)
            text.write(part.isIndependent ? "\",INDEPENDENT=YES\n" : "\"\n")
        }
    }

    private func writeURI(_ kind: ObjectName.Kind, token: String?, into text: inout PlaylistText) {
        text.write(streamID)
        text.write("/")
        text.write(rendition)
        text.write("-")
        text.write(index.epoch.value)
        text.write("-")
        switch kind {
        case .initialization(let number):
            text.write("init")
            text.write(number)
            text.write(".mp4")
        case .segment(let sequence):
            text.write(sequence)
            text.write(index.settings.container.segmentExtension)
        case .part(let sequence, let part):
            text.write(sequence)
            text.write(".")
            text.write(part)
            text.write(index.settings.container.segmentExtension)
        }
        write(token: token, into: &text)
    }

    private func write(token: String?, into text: inout PlaylistText) {
        guard let token else { return }
        text.write("?token=")
        text.write(percentEncoding: token)
    }
}
