import ClusterModel
import Domain
import Testing
import Timebase

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@Suite struct HeartbeatReaderTests {
    private static func read(_ json: some Sequence<UInt8>) -> Heartbeat? {
        Array(json).withUnsafeBytes(HeartbeatReader.read)
    }

    private static let full: Heartbeat = {
        var load = NodeLoad()
        load.cpu = 0.31
        load.memory = 0.2205
        load.egressBitsPerSecond = 812_000_000
        load.publishers = 3
        load.viewers.httpFlv = 200
        load.viewers.srt = 4
        load.encoderQueueDepth = 7
        load.encoderUse = 0.82
        let track = TrackDescription(kind: "vidéo", codec: "h264", width: 1920, height: 1080)
        return Heartbeat(
            bootId: "boot",
            load: load,
            holds: [
                Hold(
                    app: "live",
                    id: "s1",
                    epoch: 1_763_689_000_123,
                    next: .init(sequence: 812, discontinuity: 0, mediaTime: 1624.04)
                ),
                Hold(app: "live", id: "s2", epoch: 1),
            ],
            pulls: [Pull(app: "live", id: "s3", epoch: 2, from: "origin1")],
            sessions: 203,
            streams: [
                StreamReport(
                    app: "live",
                    id: "s1",
                    epoch: 1,
                    viewers: load.viewers,
                    segmentFetches: [SegmentFetches(sequence: 5, hls: 1, dash: 0)],
                    tracks: [track],
                    isBroadcasting: true,
                    interruptions: 2
                ),
                StreamReport(app: "live", id: "s3", epoch: 2, viewers: ViewerCounts()),
            ],
            sentAt: WallTime(milliseconds: 1_763_689_000_456),
            isDraining: false
        )
    }()

    @Test func `what a worker writes is read as JSONDecoder reads it`() throws {
        let json = try JSONEncoder().encode(Self.full)
        #expect(Self.read(json) == Self.full)
        #expect(try JSONDecoder().decode(Heartbeat.self, from: json) == Self.full)
    }

    @Test func `what the control plane adds before it stores a heartbeat is read too`() throws {
        var stored = Self.full
        stored.clockOffsetMilliseconds = -12
        #expect(Self.read(try JSONEncoder().encode(stored)) == stored)
    }

    /// A reader that took what the decoder refuses would let a broken body into the store.
    @Test func `a body cut short or changed in one byte is left to the decoder or read alike`() throws {
        let json = Array(try JSONEncoder().encode(Self.full))
        for end in 0..<json.count { #expect(Self.read(json[..<end]) == nil) }
        for place in json.indices {
            for byte in [UInt8(ascii: "\""), UInt8(ascii: "}"), UInt8(ascii: "0"), UInt8(ascii: "."), 0x80, 0x0A] {
                var changed = json
                changed[place] = byte
                guard let read = Self.read(changed) else { continue }
                let decoded = try? JSONDecoder().decode(Heartbeat.self, from: Data(changed))
                #expect(read == decoded, "byte \(byte) at \(place)")
            }
        }
    }

    @Test(arguments: [
        #"{"bootId":"b","new":1}"#, #"{"bootId":"b\u0041"}"#, #"{"bootId":null}"#, #"{"load":{}}"#, #"{"bootId":"b"}x"#,
        #"{"bootId":"b","sessions":1.5}"#, #"{"bootId":"b","sessions":01}"#, #"{"bootId":"b","sessions":1e3}"#,
        #"{"bootId":"b","sessions":9999999999999999999}"#, #"{"bootId":"b","load":{"cpu":0.1234567890123456}}"#,
        #"{"bootId":"b","load":{"cpu":1.}}"#, #"{"bootId":"b","holds":[{"app":"a","id":"i"}]}"#,
    ])
    func `what is unusual is not read here`(json: String) {
        #expect(Self.read(json.utf8) == nil)
    }

    @Test func `numbers are the doubles that the decoder makes of them`() throws {
        for text in ["0", "0.1", "-0.5", "0.05", "12.000001", "99999.9999999999", "0.007", "1e-3"] {
            let next = #"{"sequence":1,"discontinuity":0,"mediaTime": \#(text)}"#
            let json = #"{ "bootId" : "b", "holds" : [{"app":"a","id":"i","epoch":1,"next":\#(next)}] }"#
            guard let read = Self.read(json.utf8) else { continue }
            let decoded = try JSONDecoder().decode(Heartbeat.self, from: Data(json.utf8))
            let times = [read, decoded].map { $0.holds.first?.next?.mediaTime.bitPattern }
            #expect(times[0] == times[1] && times[0] != nil, "\(text)")
        }
    }

    @Test func `numbers that are cut at decoding are left to JSONDecoder`() throws {
        let json = String(decoding: try JSONEncoder().encode(Self.full), as: UTF8.self)
        for (usual, unusual) in [
            ("\"cpu\":0.31", "\"cpu\":1.5"), ("\"cpu\":0.31", "\"cpu\":-1"),
            ("\"httpFlv\":200", "\"httpFlv\":-1"), ("\"httpFlv\":200", "\"httpFlv\":9000000000000000"),
            ("\"sequence\":812", "\"sequence\":900000000000000000"), ("\"dash\":0", "\"dash\":900000000000000000"),
        ] {
            let changed = json.replacing(usual, with: unusual)
            #expect(changed != json, "\(usual)")
            #expect(Self.read(changed.utf8) == nil, "\(unusual)")
        }
    }
}
