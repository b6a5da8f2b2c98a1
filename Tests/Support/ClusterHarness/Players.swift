import FLV
import Foundation
import HTTPClient
import NIOCore
import Synchronization
import TestSupport

/// Whether a player whose connection ended connects again, as apps do that are worth their name.
package enum Persistence: Sendable {
    case staysConnected
    case connectsAgain
}

extension Witness {
    /// ffmpeg, which tells of each video packet at once.
    package static func rtmp(_ url: String) throws -> Witness {
        try Witness("RTMP player of \(url)") { witness in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments =
                ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-rw_timeout", "60000000", "-i", url]
                + ["-map", "0:v", "-c", "copy", "-copyts", "-flush_packets", "1", "-f", "framecrc", "-"]
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardInput = FileHandle.nullDevice
            let lines = Mutex(Lines())
            pipe.read { [weak witness] data in
                guard !data.isEmpty else {
                    witness?.ended()
                    return
                }
                for packet in lines.withLock({ $0.append(data) }) { witness?.saw(packet) }
            }
            witness.connected()
            try process.run()
            let running = Mutex(process)
            return { running.withLock { if $0.isRunning { $0.terminate() } } }
        }
    }

    package static func httpFLV(_ url: String, _ persistence: Persistence = .staysConnected) -> Witness {
        Witness("HTTP-FLV player of \(url)") { witness in
            let task = Task { [weak witness] in
                let client = HTTPClient(name: "witness")
                repeat {
                    let player = FLVPlayer { [weak witness] in witness?.saw($0) }
                    do throws(HTTPClientError) {
                        witness?.connected()
                        let request = HTTPRequest(.get, url, timeout: .seconds(60))
                        try await client.stream(request, onHead: player.begin, onBytes: player.receive)
                    } catch {
                        if persistence == .staysConnected { witness?.complains("\(error)") }
                    }
                    if let refusal = player.refusal { witness?.complains(refusal) }
                    try? await Task.sleep(for: .milliseconds(20))
                } while !Task.isCancelled && persistence == .connectsAgain
                witness?.ended()
            }
            return { task.cancel() }
        }
    }

    /// Asks for the playlist again and again and fetches every segment once, over any connection.
    package static func hls(_ url: String) -> Witness {
        Witness("HLS player of \(url)") { witness in
            let task = Task { [weak witness] in
                var player = HLSPlayer(url)
                while !Task.isCancelled, let witness {
                    await player.turn(witness)
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            return { task.cancel() }
        }
    }
}

/// Splits ffmpeg's framecrc into the decoding times of packets, in seconds.
private struct Lines {
    private var rest = ""
    private var ticksPerSecond = 1000.0

    mutating func append(_ data: Data) -> [Double] {
        rest += String(decoding: data, as: UTF8.self)
        var times: [Double] = []
        while let end = rest.firstIndex(of: "\n") {
            let line = rest[..<end]
            if line.hasPrefix("#tb 0:"), let base = line.split(separator: "/").last.flatMap({ Double($0) }) {
                ticksPerSecond = base
            } else if !line.hasPrefix("#") {
                let fields = line.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                if fields.count > 2, let ticks = Double(fields[1]) { times.append(ticks / ticksPerSecond) }
            }
            rest = String(rest[rest.index(after: end)...])
        }
        return times
    }
}

/// One connection of an HTTP-FLV player, called on the HTTP client's thread.
private final class FLVPlayer: Sendable {
    private struct State {
        var reader = FLVTagReader()
        var status = 0
        var fault: String?
    }

    private let state = Mutex(State())
    private let onFrame: @Sendable (Double) -> Void

    init(onFrame: @escaping @Sendable (Double) -> Void) { self.onFrame = onFrame }

    /// Why this is no stream; a node that is full or drains is none.
    var refusal: String? {
        state.withLock { $0.fault ?? ($0.status == 0 || $0.status == 200 || $0.status == 503 ? nil : "\($0.status)") }
    }

    @Sendable func begin(_ head: HTTPResponseHead) { state.withLock { $0.status = head.status } }

    @Sendable func receive(_ bytes: [UInt8]) {
        let times = state.withLock { state -> [Double] in
            guard state.status == 200 else { return [] }
            state.reader.append(ByteBuffer(bytes: bytes))
            var times: [Double] = []
            do {
                while let tag = try state.reader.next() {
                    guard tag.header.type == .video, case .frame = try FLVMediaTag.video(tag.body) else { continue }
                    times.append(Double(tag.header.timestamp) / 1000)
                }
            } catch { state.fault = "\(error)" }
            return times
        }
        for time in times { onFrame(time) }
    }
}

/// Reads the low-latency playlist as it grows.
private struct HLSPlayer {
    private let url: String
    private let client = HTTPClient(name: "witness")
    private var newest = 0.0
    private var mediaSequence = 0
    private var discontinuitySequence = 0
    private var fetched = -1
    private var hasPlayed = false

    init(_ url: String) { self.url = url }

    mutating func turn(_ witness: Witness) async {
        guard let answer = try? await get(url), answer.status == 200 else { return }
        let playlist = ReadPlaylist(String(decoding: answer.body, as: UTF8.self))
        if !hasPlayed { witness.connected() }
        hasPlayed = true
        if playlist.mediaSequence < mediaSequence || playlist.discontinuitySequence < discontinuitySequence {
            witness.complains(
                "media sequence \(mediaSequence) → \(playlist.mediaSequence), "
                    + "discontinuity \(discontinuitySequence) → \(playlist.discontinuitySequence)"
            )
        }
        (mediaSequence, discontinuitySequence) = (playlist.mediaSequence, playlist.discontinuitySequence)
        if playlist.newest > newest {
            newest = playlist.newest
            witness.saw(newest)
        }
        for segment in playlist.segments where segment.sequence > fetched {
            if let whole = await fetch(segment.uri), !whole { witness.complains("\(segment.uri) is not to be had") }
            fetched = segment.sequence
        }
    }

    /// Nil when nobody answered, which is no wrong answer.
    private func fetch(_ uri: String) async -> Bool? {
        let folder = url.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        for _ in 0..<20 {
            if let answer = try? await get(folder.joined(separator: "/") + "/" + uri), answer.status != 503 {
                return answer.status == 200 && answer.body.count > 1000
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    private func get(_ url: String) async throws -> HTTPResponse {
        try await client.send(HTTPRequest(.get, url, timeout: .seconds(5)))
    }
}

private struct ReadPlaylist {
    var mediaSequence = 0
    var discontinuitySequence = 0
    var segments: [(sequence: Int, uri: String)] = []
    /// Of the newest part, `sequence + part / 1000`.
    var newest = 0.0

    init(_ text: String) {
        var (sequence, part) = (0, 0)
        for line in text.split(separator: "\n") {
            if let value = line.value(of: "#EXT-X-MEDIA-SEQUENCE:") {
                mediaSequence = Int(value) ?? 0
                sequence = mediaSequence
            } else if let value = line.value(of: "#EXT-X-DISCONTINUITY-SEQUENCE:") {
                discontinuitySequence = Int(value) ?? 0
            } else if line.hasPrefix("#EXT-X-PART:") {
                part += 1
                newest = Double(sequence) + Double(part) / 1000
            } else if !line.hasPrefix("#") {
                segments.append((sequence, String(line)))
                (sequence, part) = (sequence + 1, 0)
            }
        }
    }
}

extension Substring {
    fileprivate func value(of tag: String) -> Substring? { hasPrefix(tag) ? dropFirst(tag.count) : nil }
}
