import Foundation

/// Web players in Chromium, on pictures with a clock in them (`Cluster.publishClock`).
package enum WebPlayers {
    package enum Player: String, Sendable {
        case hlsJS = "hls.js"
        case videoJS = "video.js"
        /// Chromium's own.
        case native
    }

    package struct Shown: Decodable, Sendable {
        /// That ended the playing.
        package var errors: [String]
        package var frames: Int
        /// Of coded sound that was decoded.
        package var soundBytes: Int
        /// Of the pictures, each change.
        package var heights: [Int]
        /// Seconds from the moment when it was given the address.
        package var firstFrame: Double?
        /// Seconds without a new picture, once there was one.
        package var longestPause: Double
        /// Seconds from the making of a picture to its showing, after the first few seconds.
        package var medianDelay: Double?
        package var longestDelay: Double?
    }

    /// - Parameters:
    ///   - isLowLatency: whether hls.js reads parts.
    ///   - changesLevels: to the lowest and back to the highest, each for a third of the time.
    package static func play(
        _ url: String,
        in player: Player,
        seconds: Int = 12,
        isLowLatency: Bool = true,
        changesLevels: Bool = false
    ) async throws -> Shown {
        let scripts = SourceTree.root.appending(path: ".tools/web-players-1.6.15-7.21.7").path
        let program = PythonProgram(
            environment: WebRTCClients.environment,
            script: "WebPlayers/play.py",
            needs: ["/usr/bin/chromium", scripts]
        )
        let flags = [("--plain", !isLowLatency), ("--levels", changesLevels)].filter(\.1).map(\.0)
        return try await program.result(
            [url, "--player", player.rawValue, "--scripts", scripts, "--seconds", "\(seconds)"] + flags,
            seconds: seconds + 40
        )
    }
}

extension Cluster {
    /// Publishes pictures with a clock, as `WebPlayers` read it.
    package func publishClock(at url: String) throws -> Child {
        try launch("publisher", SourceTree.root.appending(path: "ops/lib/clock-publisher").path, [url])
    }
}
