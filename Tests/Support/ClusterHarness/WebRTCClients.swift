/// Chromium, aiortc and GStreamer, driven from Python. `ops/install-deps test` installs them all.
package enum WebRTCClients {
    /// Below `.tools`; its Python drives Chromium for `WebPlayers` too.
    static let environment = "webrtc-clients-1.16.0-1.65.2"

    /// What a client says of one of its two directions.
    package struct Media: Decodable, Sendable {
        package var codec: String?
        package var framesDecoded: Int?
        package var packetsReceived: Int?
        package var packetsSent: Int?
        package var packetsLost: Int?
        package var totalSamplesReceived: Int?
        package var freezeCount: Int?
        package var totalFreezesDuration: Double?
        package var retransmittedPacketsReceived: Int?
        package var nackCount: Int?
        package var pliCount: Int?
        /// Seconds, of all pictures that have left the buffer.
        package var jitterBufferDelay: Double?
        package var jitterBufferEmittedCount: Int?
        package var frameHeight: Int?
    }

    package struct Session: Decodable, Sendable {
        package var state: String
        package var video: Media?
        package var audio: Media?
        /// How media travels: `udp` or `tcp`.
        package var `protocol`: String?
        package var srtpCipher: String?
        /// Of the newest picture's sound and picture: how long ago it was captured, and how that clock stands to the sender's.
        package var captureDelayMilliseconds: Double?
        package var captureOffsetMilliseconds: Double?
        /// The answer to its DELETE; nil over WebSocket.
        package var deleted: Int?
        /// Over WebSocket: commands and definitions, in order.
        package var heard: [String]?
    }

    package struct Browser: Decodable, Sendable {
        package var publish: Session?
        package var play: Session?
        package var beforeRestart: Session?
        package var firstFrameMilliseconds: Double?
        /// Of the player's pictures, between two that were shown one after the other; 90 kHz.
        package var longestGapTicks: Int?
        package var error: String?
    }

    /// What a client that is no browser says: GStreamer of state, frames and errors only.
    package struct Peer: Decodable, Sendable {
        package var state: String?
        package var video: Media?
        package var audio: Media?
        /// Decoded, by kind.
        package var frames: [String: Int]?
        package var deleted: Int?
        package var error: String?
        /// As SDP.
        package var answer: String?
        /// SSRCs that came, by kind.
        package var sources: [String: [Int]]?
        /// Seconds without a decoded picture, at the end and at most.
        package var sinceLastFrame: Double?
        package var longestPause: Double?
        /// Of the media, between two decoded pictures; 90 kHz.
        package var longestGapTicks: Int?
        /// Of its pictures, each change.
        package var heights: [Int]?
        /// Of H.264: types of RFC 6184 §5.2 that came.
        package var payloads: [Int]?
        /// Pictures whose time is not after the one before.
        package var backwards: Int?
    }

    package struct Page: Decodable, Sendable {
        package var footer: String
        package var frames: Int
    }

    /// Opens a worker's player page and waits until it plays.
    package static func page(_ url: String) async throws -> Page {
        struct Answer: Decodable { var page: Page }
        return try await (result("browser.py", ["--page", url]) as Answer).page
    }

    package static func browser(
        publish: String? = nil,
        play: String? = nil,
        codec: String? = nil,
        seconds: Int = 6,
        onlyTCP: Bool = false,
        hasRSA: Bool = false,
        restarts: Bool = false,
        lowerLayerFor simulcast: Int? = nil,
        forcedHeight: Int? = nil,
        via port: Int? = nil,
        in place: Network.Place? = nil
    ) async throws -> Browser {
        let wishes = [
            ("--publish", publish), ("--play", play), ("--codec", codec), ("--simulcast", simulcast.map { "\($0)" }),
            ("--force", forcedHeight.map { "\($0)" }), ("--via", port.map { "\($0)" }),
        ]
        let arguments = wishes.flatMap { name, value in value.map { [name, $0] } ?? [] }
        let flags = [("--tcp", onlyTCP), ("--rsa", hasRSA), ("--restart", restarts)].filter(\.1).map(\.0)
        return try await result("browser.py", arguments + ["--seconds", "\(seconds)"] + flags, in: place)
    }

    /// A client that is no browser.
    package enum Library: Sendable {
        case aiortc
        case gstreamer
    }

    package static func peer(_ library: Library, _ role: String, _ url: String, codec: String, seconds: Int = 6)
        async throws -> Peer
    {
        switch library {
        case .aiortc: try await aiortc(role, url, codec: codec, seconds: seconds)
        case .gstreamer: try await gstreamer(role, url, codec: codec, seconds: seconds)
        }
    }

    package static func aiortc(
        _ role: String,
        _ url: String,
        codec: String,
        seconds: Int = 6,
        estimate: Int? = nil,
        takesWholeUnitsOnly: Bool = false,
        via port: Int? = nil
    ) async throws -> Peer {
        let wishes =
            [("--remb", estimate), ("--via", port)].flatMap { name, value in
                value.map { [name, "\($0)"] } ?? []
            } + (takesWholeUnitsOnly ? ["--whole"] : [])
        return try await result("aiortc_peer.py", [role, url, "--codec", codec, "--seconds", "\(seconds)"] + wishes)
    }

    private static func gstreamer(_ role: String, _ url: String, codec: String, seconds: Int) async throws -> Peer {
        // Its bindings are Debian's, for Debian's Python.
        try await PythonProgram(environment: nil, script: "WebRTCClients/gstreamer_peer.py")
            .result([role, url, "--codec", codec, "--seconds", "\(seconds)"], seconds: 90)
    }

    private static func result<Result: Decodable>(
        _ script: String,
        _ arguments: [String],
        in place: Network.Place? = nil
    ) async throws -> Result {
        try await PythonProgram(
            environment: environment,
            script: "WebRTCClients/\(script)",
            needs: ["/usr/bin/chromium"],
            entrance: place?.entrance ?? []
        ).result(arguments, seconds: 90)
    }
}
