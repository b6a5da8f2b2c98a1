import Foundation
import Synchronization

/// Publishes a clip at one address after the other, and begins anew the moment its connection ends, as an encoder does.
package final class Publisher: Sendable {
    private let cluster: Cluster
    private let clip: String
    private struct State {
        var url: String?
        var child: Child?
        var begun: [ContinuousClock.Instant] = []
        var isOver = false
    }

    private let state: Mutex<State>

    init(_ cluster: Cluster, clip: String, url: String) {
        self.cluster = cluster
        self.clip = clip
        state = Mutex(State(url: url))
    }

    deinit { state.withLock { $0.isOver = true } }

    /// When each of its connections began.
    package var begun: [ContinuousClock.Instant] { state.withLock { $0.begun } }

    package var isPublishing: Bool { state.withLock { $0.child?.isRunning == true } }

    /// Where it publishes from its next connection on; nil keeps it away.
    package func move(to url: String?) { state.withLock { $0.url = url } }

    func run() {
        let thread = Thread { [weak self] in
            while self?.turn() == true { usleep(2_000) }
        }
        thread.start()
    }

    private func turn() -> Bool {
        state.withLock { state in
            guard !state.isOver else { return false }
            guard let url = state.url, state.child?.isRunning != true else { return true }
            state.begun.append(.now)
            state.child = try? cluster.publish(clip: clip, at: url)
            return true
        }
    }
}

extension Cluster {
    /// Ten seconds of colour bars and a tone, a keyframe a second.
    package func makeClip(kilobits: Int = 600, hasSound: Bool = true) throws -> String {
        let path = directory.appending(path: "clip-\(UUID().uuidString.prefix(4)).flv").path
        let result = try run(
            [
                "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f",
                "lavfi",
                "-i", "sine=frequency=440:sample_rate=48000", "-t", "10", "-c:v", "libx264", "-preset", "ultrafast",
                "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "25", "-b:v", "\(kilobits)k", "-minrate",
                "\(kilobits)k",
                "-maxrate", "\(kilobits)k", "-bufsize", "\(kilobits)k", "-nal-hrd", "cbr",
            ] + (hasSound ? ["-c:a", "aac"] : ["-an"]) + [path],
            seconds: 60
        )
        guard result.status == 0 else { throw NeverHappened(description: result.output) }
        return path
    }

    /// One connection, by RTMP or WHIP as the address says, which costs no time to encode.
    package func publish(clip: String, at url: String) throws -> Child {
        try launch(
            "publisher",
            SourceTree.program("millrace"),
            [
                "bench", "publish", "--loop", "--protocol", url.hasPrefix("http") ? "whip" : "rtmp", "--file", clip,
                "--url", url,
            ]
        )
    }

    /// A publisher that never gives up.
    package func keepPublishing(clip: String, at url: String) -> Publisher {
        let publisher = Publisher(self, clip: clip, url: url)
        publisher.run()
        return publisher
    }
}
