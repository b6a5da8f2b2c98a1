import ClusterHarness
import ClusterModel
import Foundation
import Glibc
import Testing

@Suite(.serialized) struct RecordingTests {
    @Test func `a stream is recorded from its REST call to the next, and the file plays by ranges`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        #expect(try cluster.admin("PUT", "/v1/streams/live/s1/recording").status == 200)
        try await eventually("half a megabyte is recorded\n\(cluster.logs)") {
            let recording = try cluster.stream("live/s1").recording
            return recording?.state == .recording && recording?.bytes ?? 0 > 500_000
        }
        #expect(try cluster.admin("DELETE", "/v1/streams/live/s1/recording").status == 200)
        let recording = try await cluster.recording(of: "s1")
        #expect(recording.nodeId == "node1" && recording.duration > 2)
        #expect(publisher.isRunning)

        let path = "/live/streams/\(recording.name).mp4"
        let facts = try Probe(node.http(path))
        #expect(facts.codecs == ["aac", "h264"])
        #expect(abs(facts.seconds - recording.duration) < 0.5, "\(facts) \(recording)")
        #expect(try decodes(node.http(path)))
        let part = try run(["curl", "-s", "-r", "4-7", node.http(path)])
        #expect(part.output == "ftyp")
        let whole = try run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", node.http(path)])
        #expect(whole.output == "200 \(recording.bytes)")
        let sent = try run(["curl", "-s", "-L", "-r", "4-7", cluster.controlURL + path])
        #expect(sent.output == "ftyp", "the control plane knows which node has it")
        let beyond = try run([
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-r", "999999999-", node.http(path),
        ])
        #expect(beyond.output == "416")

        let file = cluster.directory.appending(path: "node1/recordings/live/\(recording.name).mp4")
        try FileManager.default.removeItem(at: file)
        let gone = try run(["curl", "-s", "-L", "-o", "/dev/null", "-w", "%{http_code}", node.http(path)])
        #expect(gone.output == "404", "somebody removed it by hand")
    }

    @Test func `a recording that is deleted leaves the list and its node's disk`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let files = cluster.directory.appending(path: "files")
        let node = try await cluster.startWorker("node1", .hybrid, arguments: ["--recordings-dir", files.path])
        #expect(try cluster.admin("PUT", "/v1/apps/live", #"{"recordingEnabled":true}"#).status == 201)
        _ = try cluster.publish("live/s1", to: node, seconds: 3)
        _ = try cluster.publish("live/s2", to: node, seconds: 3)
        let kept = try await cluster.recording(of: "s2")
        let recording = try await cluster.recording(of: "s1")
        let path = "/v1/recordings/live/\(recording.name)"
        #expect(try cluster.admin("DELETE", path).status == 202)
        // Long before the next heartbeat of its own accord.
        try await eventually("it is off the list\n\(cluster.logs)", within: .seconds(3)) {
            try cluster.admin("GET", path).status == 404
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: files.appending(path: "live").path)
        #expect(left == ["\(kept.name).mp4"])
        #expect(try http("\(cluster.controlURL)/live/streams/\(recording.name).mp4").status == 404)
        #expect(try cluster.admin("DELETE", path).status == 404)
    }

    @Test func `an app records what is published, and the file is complete when the publisher leaves`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker("node1", .hybrid)
        #expect(try cluster.admin("PUT", "/v1/apps/live", #"{"recordingEnabled":true}"#).status == 201)
        let publisher = try cluster.publish("live/s1", to: node, seconds: 6)
        let recording = try await cluster.recording(of: "s1")
        #expect(!publisher.isRunning)
        #expect(recording.duration > 5.5 && recording.duration < 6.5, "\(recording)")
        #expect(try decodes(node.http("/live/streams/\(recording.name).mp4")))
    }

    @Test func `a killed worker's recording plays as it is, and is made whole at the next start`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let files = cluster.directory.appending(path: "files")
        let arguments = ["--recordings-dir", files.path]
        let node = try await cluster.startWorker("node1", .hybrid, arguments: arguments)
        #expect(try cluster.admin("PUT", "/v1/streams/live/s1", #"{"recording":true}"#).status == 201)
        _ = try cluster.publish("live/s1", to: node)
        try await eventually("some is recorded\n\(cluster.logs)") {
            try cluster.stream("live/s1").recording?.bytes ?? 0 > 500_000
        }
        node.process.kill()
        let part = try #require(try run(["find", files.path, "-name", "*.part"]).output.split(separator: "\n").first)
        #expect(try Probe(String(part)).codecs == ["aac", "h264"])
        let again = try await cluster.startWorker("node1", .hybrid, ports: node.ports, arguments: arguments)
        let recording = try await cluster.recording(of: "s1")
        #expect(recording.duration > 2)
        #expect(try decodes(again.http("/live/streams/\(recording.name).mp4")))
    }

    @Test func `a full disk ends the recording and not the stream`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: ["--recordings-keep-free", "999999999"]
        )
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        _ = try cluster.admin("PUT", "/v1/streams/live/s1/recording")
        try await eventually("the recording has failed\n\(cluster.logs)") {
            let recording = try cluster.stream("live/s1").recording
            return recording?.state == .failed && recording?.error?.contains("no room") == true
        }
        let viewer = try cluster.view(node.rtmp("live/s1"))
        try await viewer.waitForMore()
        #expect(publisher.isRunning)
    }

    @Test func `a limit bounds what grows too: the oldest files go, and the recording goes on`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let files = cluster.directory.appending(path: "files")
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: ["--recordings-dir", files.path, "--recordings-max-size", "1"]
        )
        #expect(try cluster.admin("PUT", "/v1/apps/live", #"{"recordingEnabled":true}"#).status == 201)
        let publisher = try cluster.publish("live/s1", to: node)
        var largest = 0
        var first: String?
        try await eventually("the first of several files is removed\n\(cluster.logs)", within: .seconds(90)) {
            let sizes = sizes(in: files.appending(path: "live"))
            largest = max(largest, sizes.values.reduce(0, +))
            first = first ?? sizes.keys.filter { $0.hasSuffix(".mp4") }.min()
            return first.map { sizes[$0] == nil } ?? false
        }
        // The tables that make a file whole are not counted before.
        #expect(largest < 1_200_000)
        try await eventually("the newest is listed") { try !cluster.recordings(of: "s1").isEmpty }
        #expect(try cluster.stream("live/s1").recording?.state == .recording)
        #expect(publisher.isRunning)
    }

    private func sizes(in folder: URL) -> [String: Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.reduce(into: [:]) { sizes, name in
            let facts = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: name).path)
            sizes[name] = facts?[.size] as? Int
        }
    }

    @Test func `what waits for its copy stays, and at the limit the recording ends with the reason`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let storage = ["--s3-endpoint", "http://127.0.0.1:1", "--s3-bucket", "b", "--s3-access-key", "a"]
        let secret = cluster.directory.appending(path: "secret")
        try "s".write(to: secret, atomically: true, encoding: .utf8)
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: storage + ["--s3-secret-key-file", secret.path, "--recordings-max-size", "1"]
        )
        #expect(try cluster.admin("PUT", "/v1/apps/live", #"{"recordingEnabled":true}"#).status == 201)
        let publisher = try cluster.publish("live/s1", to: node)
        try await eventually("the recording has ended\n\(cluster.logs)", within: .seconds(90)) {
            try cluster.stream("live/s1").recording?.state == .failed
        }
        let error = try #require(try cluster.stream("live/s1").recording?.error)
        #expect(error.contains("--recordings-max-size (1 MiB)"))
        _ = try await cluster.recording(of: "s1")
        let kept = try cluster.recordings(of: "s1")
        let areAllThere = kept.allSatisfy(\.isOnNode)
        #expect(areAllThere)
        for recording in kept { #expect(try decodes(node.http("/live/streams/\(recording.name).mp4"))) }
        #expect(publisher.isRunning)
    }

    @Test func `a disk that fills up ends the recording, whose file plays, and not the stream`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let disk = cluster.directory.appending(path: "disk").path
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let mounted = try run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk])
        try #require(mounted.status == 0, "mounting a disk takes root: \(mounted.output)")
        defer { _ = try? run(["umount", "--lazy", disk]) }
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: ["--recordings-dir", disk, "--recordings-keep-free", "0"]
        )
        let publisher = try cluster.publish("live/s1", to: node)
        try await cluster.waitForOrigin(of: "live/s1", "node1")
        _ = try cluster.admin("PUT", "/v1/streams/live/s1/recording")
        try await eventually("the recording has failed\n\(cluster.logs)", within: .seconds(60)) {
            let recording = try cluster.stream("live/s1").recording
            return recording?.state == .failed && recording?.error?.contains("no room") == true
        }
        let recording = try await cluster.recording(of: "s1")
        #expect(recording.bytes <= 1 << 20 && recording.duration > 1, "\(recording)")
        #expect(try decodes(node.http("/live/streams/\(recording.name).mp4")))
        let viewer = try cluster.view(node.rtmp("live/s1"))
        try await viewer.waitForMore()
        #expect(publisher.isRunning)
    }

    @Test func `a recording is copied to S3`() async throws {
        let cluster = try await Cluster.start(on: .sqlite)
        let store = try await S3Server(in: cluster.directory)
        #expect(try run(["curl", "-s", "-f", "-X", "PUT", "\(store.url)/recordings"]).status == 0)
        let secret = cluster.directory.appending(path: "s3-secret")
        try Data("secret".utf8).write(to: secret)
        let node = try await cluster.startWorker(
            "node1",
            .hybrid,
            arguments: [
                "--s3-endpoint", store.url, "--s3-bucket", "recordings", "--s3-access-key", "key",
                "--s3-secret-key-file", secret.path,
            ]
        )
        for id in ["s1", "s2"] { _ = try cluster.admin("PUT", "/v1/streams/live/\(id)/recording") }
        _ = try cluster.publish("live/s1", to: node, seconds: 6)
        // Of 30 Mbit/s, so that it is copied in parts.
        _ = try cluster.publish(
            by: "-f lavfi -i testsrc2=size=640x360:rate=25 -t 6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 "
                + "-b:v 30M -minrate 30M -maxrate 30M -bufsize 30M -nal-hrd cbr",
            at: node.rtmp("live/s2")
        )
        for (id, sizes) in [("s1", 100_000..<8 << 20), ("s2", 17 << 20..<40 << 20)] {
            try await eventually("the recording was copied\n\(cluster.logs)\n\(store.process.lastLines)") {
                try cluster.recordings(of: id).first?.storedAt != nil
            }
            let recording = try #require(try cluster.recordings(of: id).first)
            #expect(sizes.contains(recording.bytes), "\(recording)")
            #expect(recording.storedAt == "s3://recordings/live/\(recording.name).mp4")
            let copy = cluster.directory.appending(path: "copy.mp4").path
            let signed = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "key:secret"]
            let object = "\(store.url)/recordings/live/\(recording.name).mp4"
            _ = try run(["curl", "-s", "-f", "-o", copy] + signed + [object])
            #expect(try FileManager.default.attributesOfItem(atPath: copy)[.size] as? Int == recording.bytes)
            #expect(try decodes(copy))
        }
    }
}

/// What ffprobe says of a file.
struct Probe {
    let codecs: [String]
    let seconds: Double

    init(_ url: String) throws {
        codecs = try ClusterHarness.codecs(at: url)
        let length = try run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", url])
        seconds = Double(length.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}

/// Whether ffmpeg decodes all of it without a word.
func decodes(_ url: String) throws -> Bool {
    let result = try run(["ffmpeg", "-nostdin", "-v", "error", "-i", url, "-map", "0", "-f", "null", "-"], seconds: 60)
    if !result.output.isEmpty { Issue.record("\(result.output)") }
    return result.status == 0 && result.output.isEmpty
}

/// moto, which speaks as S3 does, as `ops/install-deps test` puts it.
private struct S3Server {
    let url: String
    let process: Child

    init(in directory: URL) async throws {
        let port = try freePorts(1)[0]
        url = "http://127.0.0.1:\(port)"
        let python = SourceTree.root.appending(path: ".tools/moto-5.2.1/bin/python").path
        try #require(FileManager.default.fileExists(atPath: python), "run ops/install-deps test")
        let process = try Child(
            "moto",
            python,
            ["-m", "moto.server", "-H", "127.0.0.1", "-p", "\(port)"],
            in: directory
        )
        let address = url
        self.process = process
        try await eventually("moto answers\n\(process.lastLines)", within: .seconds(60)) {
            try http("\(address)/moto-api/").status == 200
        }
    }
}

extension Cluster {
    func admin(_ method: String, _ path: String, _ body: String? = nil) throws -> HTTPAnswer {
        try http(controlURL + path, method: method, bearer: Self.adminToken, body: body)
    }

    func recordings(of id: String) throws -> [RecordingResource] {
        try admin("GET", "/v1/recordings?id=\(id)").json(as: Page<RecordingResource>.self).items
    }

    /// Waits for the first one that is complete.
    func recording(of id: String) async throws -> RecordingResource {
        try await eventually("a recording of \(id) is listed\n\(logs)") { try !self.recordings(of: id).isEmpty }
        return try recordings(of: id)[0]
    }
}
