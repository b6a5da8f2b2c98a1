import Codecs
package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// `{id}_adaptive.m3u8`: what renditions there are (RFC 8216bis §4.4.6).
package enum MultivariantPlaylist {
    package struct Variant: Hashable, Sendable {
        /// Relative to the multivariant playlist.
        package var uri: String
        package var bandwidth: UInt64
        package var averageBandwidth: UInt64
        package var codecs: [String]
        package var width = 0
        package var height = 0
        package var framesPerSecond: Double?

        /// A rendition that nobody may have encoded yet.
        package init(uri: String, bandwidth: Int, averageBandwidth: Int, codecs: [String]) {
            self.uri = uri
            self.bandwidth = UInt64(max(bandwidth, 1))
            self.averageBandwidth = UInt64(max(averageBandwidth, 1))
            self.codecs = codecs
        }

        /// The rendition a media playlist at `uri` holds. Bandwidth is that of the segments in the index, so it is equal on
        /// all nodes for equal playlists.
        package init(uri: String, index: SegmentIndex, tracks: [Track]) {
            self.uri = uri
            // Of a rendition that has just begun, what there is of the first one.
            let segments = index.segments.isEmpty ? index.open.map { [$0] } ?? [] : index.segments
            let rates = segments.filter { $0.duration > .zero }.map { $0.bitsPerSecond }
            bandwidth = rates.max() ?? 1
            let bytes = segments.reduce(0) { $0 + $1.byteCount }
            let duration = segments.reduce(MediaTime.zero) { $0 + $1.duration }
            averageBandwidth = SegmentIndex.bitsPerSecond(bytes: bytes, duration: duration)
            codecs = tracks.compactMap(\.codec.codecString)
            let video = tracks.first { $0.kind == .video }?.codec
            (width, height) = video?.displaySize ?? (0, 0)
            framesPerSecond = video?.framesPerSecond
        }
    }

    package static func render(_ variants: [Variant], token: String? = nil) -> ByteBuffer {
        var text = PlaylistText(capacity: 256 + variants.count * 256)
        text.write("#EXTM3U\n#EXT-X-VERSION:9\n")
        for variant in variants {
            text.write("#EXT-X-STREAM-INF:BANDWIDTH=")
            text.write(variant.bandwidth)
            text.write(",AVERAGE-BANDWIDTH=")
            text.write(variant.averageBandwidth)
            if !variant.codecs.isEmpty {
                text.write(",CODECS=\"")
                text.write(variant.codecs.joined(separator: ","))
                text.write("\"")
            }
            if variant.width > 0, variant.height > 0 {
                text.write(",RESOLUTION=")
                text.write(variant.width)
                text.write("x")
                text.write(variant.height)
            }
            if let rate = variant.framesPerSecond {
                text.write(",FRAME-RATE=")
                text.write(thousandths: UInt64((rate * 1000).rounded()))
            }
            text.write("\n")
            text.write(variant.uri)
            if let token {
                text.write("?token=")
                text.write(percentEncoding: token)
            }
            text.write("\n")
        }
        return text.bytes
    }
}

extension SegmentIndex {
    static func bitsPerSecond(bytes: Int, duration: MediaTime) -> UInt64 {
        guard duration > .zero else { return 1 }
        return max(UInt64((Double(bytes) * 8 / duration.seconds).rounded(.up)), 1)
    }
}

extension SegmentIndex.Segment {
    var bitsPerSecond: UInt64 { SegmentIndex.bitsPerSecond(bytes: byteCount, duration: duration) }
}
