import Foundation

/// Readers of playlists, descriptions and segments that are not ours: m3u8, mpd-inspector, mp4analyzer, Shaka Packager.
package enum MediaReaders {
    package struct Found: Decodable, Sendable {
        package struct Playlist: Decodable, Sendable {
            package var targetDuration: Double
            package var partTarget: Double
            package var partHoldBack: Double
            package var canBlockReload: Bool
            package var segments: Int
            /// Seconds of the longest whole segment.
            package var longest: Double
            /// Of the newest whole segment.
            package var partsAreTheSegment: Bool
            /// Its outermost boxes behind those of the initialization section.
            package var boxes: [String]
            package var codecs: [String]
        }

        package struct Variant: Decodable, Sendable {
            package var uri: String
            package var bandwidth: Int
            package var averageBandwidth: Int?
            package var codecs: String
            package var resolution: [Int]?
            package var frameRate: Double?
        }

        package struct Representation: Decodable, Sendable {
            package var codecs: [String]
            /// Seconds of the segment that was read.
            package var duration: Double
        }

        package var playlist: Playlist
        package var multivariant: [Variant]
        /// By `Representation@id`.
        package var description: [String: Representation]
    }

    /// Has them read what the playlists and the description name.
    package static func read(playlist: String, multivariant: String, description: String) async throws -> Found {
        try await PythonProgram(environment: "media-readers-1", script: "MediaReaders/read.py").result([
            "--playlist", playlist, "--multivariant", multivariant, "--description", description,
        ])
    }
}
