import MediaModel
import Relay
import Testing
import Timebase

import struct NIOCore.ByteBuffer

/// Test vectors are written in hexadecimal; blanks and line breaks mean nothing.
func hex(_ text: String) -> ByteBuffer {
    let digits = text.compactMap(\.hexDigitValue)
    return ByteBuffer(
        bytes: stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    )
}

/// One frame and the bytes that stand for it between nodes of any two versions.
struct RelayVector: Sendable, CustomTestStringConvertible {
    var name: String
    var frame: RelayFrame
    var bytes: ByteBuffer

    init(_ name: String, _ frame: RelayFrame, _ bytes: String) {
        (self.name, self.frame, self.bytes) = (name, frame, hex(bytes))
    }

    var testDescription: String { name }

    static let fromChild = [
        RelayVector(
            "hello",
            .hello(RelayHello(app: "live", id: "s1", child: "edge1", ticket: "t.k", haveEpoch: Epoch(7))),
            """
            01 00000027 4D524C59 0005 0001 0004 6C697665 0002 7331 0005 6564676531 0003 742E6B
            0000000000000007 00
            """
        ),
        RelayVector(
            "hello of a child that chooses tracks",
            .hello(
                RelayHello(app: "a", id: "b", child: "c", ticket: "", haveEpoch: nil, tracks: [TrackID(1), TrackID(9)])
            ),
            "01 0000001E 4D524C59 0005 0001 0001 61 0001 62 0001 63 0000 0000000000000000 02 01 09"
        ),
        RelayVector(
            "hello of a child that has seen no epoch",
            .hello(RelayHello(app: "a", id: "b", child: "c", ticket: "", haveEpoch: nil)),
            "01 0000001C 4D524C59 0005 0001 0001 61 0001 62 0001 63 0000 0000000000000000 00"
        ),
        RelayVector("object request", .objectRequest(id: 9, name: "7.m4s"), "02 0000000B 00000009 0005 372E6D3473"),
        RelayVector("object interest", .objectInterest(true), "03 00000001 01"),
        RelayVector("no object interest", .objectInterest(false), "03 00000001 00"),
        RelayVector("keyframe request", .keyframeRequest, "05 00000000"),
        RelayVector("bye", .bye, "04 00000000"),
        RelayVector("keep-alive", .keepAlive, "0F 00000000"),
    ]

    static let fromParent = [
        RelayVector(
            "accept",
            .accept(
                RelayAccept(
                    epoch: Epoch(7),
                    hops: ["o1", "e2"],
                    state: .broadcasting,
                    tracks: [Track(id: .data, codec: .data)]
                )
            ),
            """
            10 00000023 0001 0000000000000007 01 02 0002 6F31 0002 6532
            01 03 07 00000000 00000000 00000000
            """
        ),
        RelayVector(
            "accept of a stream without tracks",
            .accept(RelayAccept(epoch: Epoch(1), hops: [], state: .interrupted, tracks: [])),
            "10 0000000D 0001 0000000000000001 02 00 00"
        ),
        RelayVector("refuse", .refuse(RelayRefusal(.loop, "why")), "11 00000006 04 0003 776879"),
        RelayVector(
            "tracks of every codec",
            .item(.tracks(everyCodec)),
            """
            12 0000007A 08
            01 01 00000500 000002D0 00000001 A1
            02 04 0000BB80 00000002 00000002 A2A3
            03 07 00000000 00000000 00000000
            04 02 00000780 00000438 00000001 A4
            05 03 00000001 00000002 00000001 A5
            06 05 0000AC44 00000001 00000000
            07 06 0000BB80 00000006 00000001 A7
            08 08 0000BB80 00000006 00000003 103DE0
            """
        ),
        RelayVector(
            "tracks with a layer",
            .item(.tracks([layered])),
            """
            12 0000001E 01
            01 89 00000500 000002D0 00000000
            01 10 09 00000140 000000B4 00000000
            """
        ),
        RelayVector("unit", .item(.unit(unit)), "13 00000011 01 01 0000000000015F90 FFFFFFFF 010203"),
        RelayVector(
            "unit with its capture time",
            .item(.unit(captured(clockOffset: nil))),
            "13 00000019 01 03 0000000000015F90 FFFFFFFF 0102030405060708 010203"
        ),
        RelayVector(
            "unit with its capture time and how that clock stands",
            .item(.unit(captured(clockOffset: -2))),
            "13 00000021 01 07 0000000000015F90 FFFFFFFF 0102030405060708 FFFFFFFFFFFFFFFE 010203"
        ),
        RelayVector(
            "cut",
            .item(.cut(cut)),
            """
            14 0000002D 0000000000000005 00000002 0000000000000003 01 0000000000000064 00000000000003E8
            0000000000000004
            """
        ),
        RelayVector("broadcasting", .state(.broadcasting), "15 00000001 01"),
        RelayVector("gap", .gap, "19 00000000"),
        RelayVector("interrupted", .state(.interrupted), "15 00000001 02"),
        RelayVector("path", .path(["o1", "e2"]), "1A 00000009 02 0002 6F31 0002 6532"),
        RelayVector("rungs given up", .rungsGivenUp(["a", "bc"]), "1B 00000008 02 0001 61 0002 6263"),
        RelayVector("no rungs given up", .rungsGivenUp([]), "1B 00000001 00"),
        RelayVector(
            "object slice",
            .objectData(id: 9, isLast: false, bytes: ByteBuffer(bytes: [0xCA, 0xFE])),
            "16 00000007 00000009 00 CAFE"
        ),
        RelayVector(
            "last object slice",
            .objectData(id: 9, isLast: true, bytes: ByteBuffer()),
            "16 00000005 00000009 01"
        ),
        RelayVector("object missing", .objectMissing(id: 9), "17 00000004 00000009"),
        RelayVector("end: unpublished", .end(.unpublished), "18 00000001 01"),
        RelayVector("end: publisher lost", .end(.publisherLost), "18 00000001 02"),
        RelayVector("end: fenced", .end(.fenced(Epoch(8))), "18 00000009 03 0000000000000008"),
        RelayVector("end: draining", .end(.draining), "18 00000001 04"),
        RelayVector("end: removed", .end(.removed), "18 00000001 05"),
    ]

    static let all = fromChild + fromParent

    private static var layered: Track {
        var track = Track(id: .video, codec: .vp8(width: 1280, height: 720))
        track.layers = [Track(id: TrackID(16), codec: .vp8(width: 320, height: 180))]
        return track
    }

    static let everyCodec = [
        Track(id: TrackID(1), codec: .h264(configuration: hex("A1"), width: 1280, height: 720)),
        Track(id: TrackID(2), codec: .aac(configuration: hex("A2A3"), sampleRate: 48_000, channels: 2)),
        Track(id: TrackID(3), codec: .data),
        Track(id: TrackID(4), codec: .h265(configuration: hex("A4"), width: 1920, height: 1080)),
        Track(id: TrackID(5), codec: .av1(configuration: hex("A5"), width: 1, height: 2)),
        Track(id: TrackID(6), codec: .mp3(sampleRate: 44_100, channels: 1)),
        Track(id: TrackID(7), codec: .opus(configuration: hex("A7"), channels: 6)),
        Track(id: TrackID(8), codec: .ac3(configuration: hex("103DE0"), sampleRate: 48_000, channels: 6)),
    ]

    static let unit = AccessUnit(
        track: .video,
        decodeTime: MediaTime(milliseconds: 1000),
        compositionOffset: MediaTime(ticks: -1),
        isKeyframe: true,
        payload: hex("010203")
    )

    private static func captured(clockOffset: Int64?) -> AccessUnit {
        var unit = unit
        unit.captureTime = AbsoluteCaptureTime(time: NTPTime(0x0102_0304_0506_0708), clockOffset: clockOffset)
        return unit
    }

    static let cut = CutMark(
        sequence: 5,
        part: 2,
        discontinuity: 3,
        isDiscontinuous: true,
        mediaTime: MediaTime(ticks: 100),
        wallTime: WallTime(milliseconds: 1000),
        oldestSequence: 4
    )
}
