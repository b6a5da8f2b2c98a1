import EngineModel
import FLV
import MediaModel
import NIOCore
import RTMP
import TestSupport
import Testing
import Timebase

@Suite struct ServerSessionTests {
    static let connectAnswer = ["type 5", "type 6", "_result 1 NetConnection.Connect.Success"]
    static let publishAnswer = ["streamBegin(RTMP.MessageStreamID(value: 1))", "onStatus NetStream.Publish.Start"]
    static let playAnswer = [
        "streamBegin(RTMP.MessageStreamID(value: 1))", "onStatus NetStream.Play.Reset", "onStatus NetStream.Play.Start",
    ]

    struct Dialogue: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var client: [UInt8]
        var answers: [String]
        var address: StreamAddress
        var media: [MediaMessage] = []
        var end: RTMPServerSession.Event?
    }

    static let frame: [UInt8] = [0x17, 1, 0, 0, 0] + [UInt8](repeating: 7, count: 400)

    static let dialogues = [
        Dialogue(
            testDescription: "ffmpeg publishes and ends",
            client: ClientBytes.make {
                $0.writer.message(1, id: 2, [0, 0, 0xEA, 0x60])
                $0.writer.message(5, id: 2, [0, 0x26, 0x25, 0xA0])
                $0.connect(app: "live", ["type": "nonprivate", "tcUrl": "rtmp://127.0.0.1:1935/live"])
                $0.command("releaseStream", 2, .null, "s1")
                $0.command("FCPublish", 3, .null, "s1")
                $0.command("createStream", 4, .null)
                $0.command("_checkbw", 5, .null)
                $0.command("publish", 6, stream: 1, .null, "s1", "live")
                $0.writer.message(9, id: 6, time: 40, stream: 1, chunkSize: 60_000, frame)
                $0.command("FCUnpublish", 7, .null, "s1")
                $0.command("deleteStream", 8, .null, 1)
            },
            answers: connectAnswer + ["_result 2", "_result 3", "_result 4 1.0", "_result 5"] + publishAnswer
                + ["_result 7", "onStatus NetStream.Unpublish.Success"],
            address: StreamAddress(app: "live", name: "s1", query: ""),
            media: [MediaMessage(kind: .video, timestamp: 40, payload: ByteBuffer(bytes: frame))],
            end: .publishEnded(clean: true)
        ),
        Dialogue(
            testDescription: "OBS publishes with metadata",
            client: ClientBytes.make {
                $0.connect(app: "live", ["fourCcList": .strictArray(["av01", "hvc1"]), "capsEx": 1])
                $0.writer.message(1, id: 2, [0, 0, 0x10, 0])
                $0.command("releaseStream", 2, .null, "s1?token=t")
                $0.command("FCPublish", 3, .null, "s1?token=t")
                $0.command("createStream", 4, .null)
                $0.command("publish", 5, stream: 1, .null, "s1?token=t", "live")
                $0.writer.message(
                    18,
                    id: 4,
                    stream: 1,
                    chunkSize: 4096,
                    amf0("@setDataFrame", "onMetaData", .ecmaArray([:]))
                )
                $0.writer.message(8, id: 4, time: 23, stream: 1, chunkSize: 4096, [0xAF, 1, 5])
            },
            answers: connectAnswer + ["_result 2", "_result 3", "_result 4 1.0"] + publishAnswer,
            address: StreamAddress(app: "live", name: "s1", query: "token=t"),
            media: [
                MediaMessage(
                    kind: .data,
                    timestamp: 0,
                    payload: ByteBuffer(bytes: amf0("onMetaData", .ecmaArray([:])))
                ),
                MediaMessage(kind: .audio, timestamp: 23, payload: ByteBuffer(bytes: [0xAF, 1, 5])),
            ]
        ),
        Dialogue(
            testDescription: "librtmp plays and leaves",
            client: ClientBytes.make {
                $0.connect(app: "live", ["fpad": false, "capabilities": 15, "objectEncoding": 0])
                $0.writer.message(5, id: 2, [0, 0x26, 0x25, 0xA0])
                $0.command("createStream", 2, .null)
                $0.writer.message(4, id: 2, [0, 3, 0, 0, 0, 0, 0, 0, 1, 0x2C])
                $0.command("getStreamLength", 3, .null, "s1")
                $0.command("play", 4, stream: 1, .null, "s1", -1000)
                $0.writer.message(4, id: 2, [0, 3, 0, 0, 0, 1, 0, 0, 0xE1, 0])
                $0.command("deleteStream", 0, .null, 1)
            },
            answers: connectAnswer + ["_result 2 1.0", "_result 3 0.0"] + playAnswer,
            address: StreamAddress(app: "live", name: "s1", query: ""),
            end: .playEnded
        ),
    ]

    static func amf0(_ values: AMF0Value...) -> [UInt8] {
        var buffer = ByteBuffer()
        for value in values { buffer.writeAMF0(value) }
        return Array(buffer.readableBytesView)
    }

    @Test(arguments: dialogues)
    func `a client's dialogue gets the answers it waits for`(dialogue: Dialogue) throws {
        var server = AcceptingServer()
        let outputs = server.feed(dialogue.client)
        #expect(try commands(in: outputs) == dialogue.answers)
        #expect(addresses(in: outputs) == [dialogue.address])
        let media = events(in: outputs).compactMap { if case .media(let message) = $0 { message } else { nil } }
        #expect(media == dialogue.media)
        if let end = dialogue.end { #expect(events(in: outputs).last == end) }
    }

    @Test(arguments: dialogues)
    func `a dialogue cut anywhere is the same dialogue`(dialogue: Dialogue) {
        let stories = outputsForEverySplit(of: dialogue.client, at: start) { AcceptingServer() }
        for story in stories { #expect(story == stories[0]) }
    }

    @Test func `what OBS says of itself reaches the application`() {
        var server = makeServer()
        let outputs = server.feed(Self.dialogues[1].client)
        guard case .publishRequested(_, _, let peer)? = events(in: outputs).first else {
            Issue.record("no request")
            return
        }
        #expect(peer.fourCCs == ["av01", "hvc1"])
        #expect(peer.supportsReconnect)
    }

    @Test func `the answer to connect announces Enhanced RTMP`() throws {
        var server = makeServer()
        var bytes = ByteBuffer()
        for case .transmit(let piece) in server.feed(ClientBytes.make { $0.connect(app: "live") }) {
            bytes.writeImmutableBuffer(piece)
        }
        bytes.moveReaderIndex(forwardBy: 3073)
        var decoder = ChunkDecoder()
        decoder.append(bytes)
        var object: AMF0Object?
        while let message = try decoder.nextMessage() {
            guard message.type == 20 else { continue }
            object = try Command(decoding: message.payload, limits: AMF0Limits()).object.object
        }
        #expect(object?["videoFourCcInfoMap"]?.object?["hvc1"] == 4)
        #expect(object?["capsEx"]?.number != nil)
        #expect(object?["fourCcList"] != nil)
    }

    // MARK: Names

    struct Form: Sendable {
        var app: String
        var tcURL = ""
        var name: String
        var address: StreamAddress
    }

    @Test(arguments: [
        Form(app: "live", name: "s1", address: StreamAddress(app: "live", name: "s1", query: "")),
        Form(app: "live/", name: "/s1", address: StreamAddress(app: "live", name: "s1", query: "")),
        Form(app: "live?token=t", name: "s1", address: StreamAddress(app: "live", name: "s1", query: "token=t")),
        Form(app: "live", name: "s1?a=1?b", address: StreamAddress(app: "live", name: "s1", query: "a=1?b")),
        Form(
            app: "live",
            tcURL: "rtmp://h/live?token=t",
            name: "s1",
            address: StreamAddress(app: "live", name: "s1", query: "token=t")
        ),
        Form(
            app: "live?token=app",
            name: "s1?token=name",
            address: StreamAddress(app: "live", name: "s1", query: "token=name")
        ),
    ])
    func `clients split a URL in their own ways`(form: Form) {
        var server = makeServer()
        let outputs = server.feed(
            ClientBytes.make {
                $0.connect(app: form.app, ["tcUrl": .string(form.tcURL)])
                $0.command("play", 0, stream: 1, .null, .string(form.name))
            }
        )
        #expect(addresses(in: outputs) == [form.address])
    }

    @Test(arguments: [
        ("", RTMPError.missingApplication), ("live/instance", .nestedApplication), ("?x", .missingApplication),
    ])
    func `an application that is none is rejected in connect's answer`(app: String, error: RTMPError) throws {
        var server = makeServer()
        let outputs = server.feed(ClientBytes.make { $0.connect(app: app) })
        #expect(try commands(in: outputs) == ["type 5", "type 6", "_error 1 NetConnection.Connect.Rejected"])
        #expect(outputs.suffix(2) == [.event(.failed(error)), .close])
    }

    @Test(arguments: [("", RTMPError.missingStreamName), ("a/b", .nestedStreamName)])
    func `a stream name that is none is refused`(name: String, error: RTMPError) throws {
        var server = makeServer()
        let outputs = server.feed(
            ClientBytes.make {
                $0.connect(app: "live")
                $0.command("publish", 5, stream: 1, .null, .string(name), "live")
            }
        )
        #expect(try commands(in: outputs).last == "onStatus NetStream.Publish.BadName")
        #expect(outputs.suffix(2) == [.event(.failed(error)), .close])
    }

    // MARK: Decisions

    static func requesting(_ command: String) -> (inout ClientBytes) -> Void {
        {
            $0.connect(app: "live")
            $0.command(command, 5, stream: 1, .null, "s1", "live")
        }
    }

    @Test(arguments: [StatusCode.publishBadName, .publishDenied, .failed])
    func `a refused publish hears why and is closed`(code: StatusCode) throws {
        var server = makeServer()
        _ = server.feed(ClientBytes.make(Self.requesting("publish")))
        server.refusePublish(RequestID(1), code, "no")
        let outputs = server.drain()
        #expect(try commands(in: outputs, afterHandshake: false) == ["onStatus \(code.rawValue)"])
        #expect(outputs.last == .close)
        #expect(server.nextDeadline == nil)
    }

    @Test func `a refused play hears why and is closed`() throws {
        var server = makeServer()
        _ = server.feed(ClientBytes.make(Self.requesting("play")))
        server.refusePlay(RequestID(1), .playStreamNotFound, "no")
        let outputs = server.drain()
        #expect(try commands(in: outputs, afterHandshake: false) == ["onStatus NetStream.Play.StreamNotFound"])
        #expect(outputs.last == .close)
    }

    @Test func `an answer to another request changes nothing`() {
        var server = makeServer()
        _ = server.feed(ClientBytes.make(Self.requesting("play")))
        server.acceptPublish(RequestID(1))
        server.acceptPlay(RequestID(2))
        #expect(server.drain() == [])
    }

    @Test func `media sent before the answer waits for it`() {
        var server = makeServer()
        var client = ClientBytes()
        Self.requesting("publish")(&client)
        client.writer.message(8, id: 4, time: 9, stream: 1, [0xAF, 1, 5])
        _ = server.feed(client.bytes)
        server.acceptPublish(RequestID(1))
        let media = MediaMessage(kind: .audio, timestamp: 9, payload: ByteBuffer(bytes: [0xAF, 1, 5]))
        #expect(events(in: server.drain()) == [.media(media)])
    }

    @Test func `too much sent before the answer ends the session`() {
        var limits = RTMPLimits()
        limits.bytesBeforeDecisionMax = 1000
        var server = makeServer(limits: limits)
        _ = server.feed(ClientBytes.make(Self.requesting("publish")))
        #expect(server.feed([UInt8](repeating: 0, count: 1000)) == [])
        #expect(server.feed([0]) == [.event(.failed(.tooManyBytesBeforeDecision(limit: 1000))), .close])
    }

    // MARK: Order

    @Test func `media without a publish ends the session`() {
        var server = makeServer()
        let outputs = server.feed(
            ClientBytes.make {
                $0.connect(app: "live")
                $0.writer.message(9, id: 6, stream: 1, Self.frame)
            }
        )
        #expect(outputs.suffix(2) == [.event(.failed(.mediaOutsidePublish)), .close])
    }

    @Test func `a second publish ends the first uncleanly`() {
        var server = AcceptingServer()
        let outputs = server.feed(
            ClientBytes.make {
                Self.requesting("publish")(&$0)
                $0.command("publish", 6, stream: 1, .null, "s2", "live")
            }
        )
        #expect(outputs.suffix(3) == [.event(.publishEnded(clean: false)), .event(.failed(.secondRequest)), .close])
    }

    @Test func `a publisher that has ended its stream may publish another`() throws {
        var server = AcceptingServer()
        let outputs = server.feed(
            ClientBytes.make {
                Self.requesting("publish")(&$0)
                $0.command("deleteStream", 0, .null, 1)
                $0.command("createStream", 7, .null)
                $0.command("publish", 8, stream: 1, .null, "s2", "live")
                $0.writer.message(8, id: 4, time: 9, stream: 1, [0xAF, 1, 5])
            }
        )
        #expect(addresses(in: outputs).map(\.name) == ["s1", "s2"])
        let media = MediaMessage(kind: .audio, timestamp: 9, payload: ByteBuffer(bytes: [0xAF, 1, 5]))
        #expect(events(in: outputs).suffix(1) == [.media(media)])
        #expect(events(in: outputs).filter { $0 == .publishEnded(clean: true) }.count == 1)
    }

    @Test func `the answer to the first publish is none to the second`() {
        var server = makeServer()
        _ = server.feed(ClientBytes.make(Self.requesting("publish")))
        server.acceptPublish(RequestID(1))
        var client = ClientBytes()
        client.command("deleteStream", 0, .null, 1)
        client.command("publish", 8, stream: 1, .null, "s2", "live")
        _ = server.feed(client.writer.bytes)
        server.acceptPublish(RequestID(1))
        #expect(server.drain() == [])
    }

    @Test func `a player does not ask twice on one connection`() {
        var server = AcceptingServer()
        let outputs = server.feed(
            ClientBytes.make {
                Self.requesting("play")(&$0)
                $0.command("deleteStream", 0, .null, 1)
                $0.command("play", 8, stream: 1, .null, "s2")
            }
        )
        #expect(outputs.suffix(2) == [.event(.failed(.secondRequest)), .close])
    }

    @Test func `a publish before connect is refused by name`() {
        var server = makeServer()
        let outputs = server.feed(ClientBytes.make { $0.command("publish", 5, .null, "s1") })
        #expect(outputs.suffix(2) == [.event(.failed(.unexpectedCommand("publish"))), .close])
    }

    @Test func `endless commands end the session`() {
        var limits = RTMPLimits()
        limits.commandCountMax = 3
        var server = makeServer(limits: limits)
        let outputs = server.feed(
            ClientBytes.make { client in for _ in 0..<4 { client.command("_checkbw", 0, .null) } }
        )
        #expect(outputs.suffix(2) == [.event(.failed(.tooManyCommands(limit: 3))), .close])
    }

    @Test func `commands of other servers are passed over`() throws {
        var server = makeServer()
        let outputs = server.feed(
            ClientBytes.make {
                $0.connect(app: "live")
                for name in ["setPeerInfo", "pause", "seek", "receiveAudio", "receiveVideo"] {
                    $0.command(name, 9, .null)
                }
            }
        )
        #expect(try commands(in: outputs) == Self.connectAnswer)
    }

    @Test func `the AMF3 form of a command is read`() throws {
        var server = makeServer()
        var payload = ByteBuffer(bytes: [0])
        for value in ["connect", 1, .object(["app": "live"])] as [AMF0Value] { payload.writeAMF0(value) }
        var client = ClientBytes()
        client.writer.message(17, id: 3, Array(payload.readableBytesView))
        #expect(try commands(in: server.feed(client.bytes)) == Self.connectAnswer)
    }

    @Test func `an aggregate is taken apart, its times moved to the message's own`() {
        var server = AcceptingServer()
        var client = ClientBytes()
        Self.requesting("publish")(&client)
        var aggregate = ByteBuffer()
        for (time, byte) in [(1000, 1), (1020, 2)] as [(UInt32, UInt8)] {
            FLVTagHeader(type: .audio, bodyLength: 2, timestamp: time).write(into: &aggregate)
            aggregate.writeBytes([0x2F, byte, 0, 0, 0, 13])
        }
        client.writer.message(22, id: 6, time: 50, stream: 1, Array(aggregate.readableBytesView))
        let media = events(in: server.feed(client.bytes)).compactMap {
            if case .media(let message) = $0 { message } else { nil }
        }
        #expect(media.map(\.timestamp) == [50, 70])
        #expect(media.map(\.payload) == [ByteBuffer(bytes: [0x2F, 1]), ByteBuffer(bytes: [0x2F, 2])])
    }

    // MARK: Ends

    @Test func `a publisher that vanishes has not ended cleanly`() {
        var server = AcceptingServer()
        _ = server.feed(ClientBytes.make(Self.requesting("publish")))
        server.session.inputClosed(at: start)
        #expect(server.session.drain() == [.event(.publishEnded(clean: false))])
        server.session.inputClosed(at: start)
        #expect(server.session.drain() == [])
    }

    @Test func `a clean end is told once, whatever follows`() {
        var server = AcceptingServer()
        var client = ClientBytes()
        Self.requesting("publish")(&client)
        for name in ["FCUnpublish", "closeStream", "deleteStream"] { client.command(name, 0, .null, 1) }
        client.writer.message(8, id: 4, time: 9, stream: 1, [0xAF, 1, 5])
        var ends = events(in: server.feed(client.bytes)).dropFirst()
        server.session.inputClosed(at: start)
        ends += events(in: server.session.drain())
        #expect(Array(ends) == [.publishEnded(clean: true)])
    }

    @Test func `a player hears of the stream's end and stays connected`() throws {
        var server = AcceptingServer()
        _ = server.feed(ClientBytes.make(Self.requesting("play")))
        server.session.endPlay()
        let outputs = server.session.drain()
        let words = try commands(in: outputs, afterHandshake: false)
        #expect(words.first?.hasPrefix("streamEOF") == true)
        #expect(words.dropFirst() == ["onStatus NetStream.Play.UnpublishNotify", "onStatus NetStream.Play.Complete"])
        #expect(!outputs.contains(.close))
    }

    @Test func `a publish that we end is told why, then closed`() throws {
        var server = AcceptingServer()
        _ = server.feed(ClientBytes.make(Self.requesting("publish")))
        server.session.close(.failed, "taken over")
        let outputs = server.session.drain()
        #expect(try commands(in: outputs, afterHandshake: false) == ["onStatus NetStream.Failed"])
        #expect(outputs.suffix(2) == [.event(.publishEnded(clean: false)), .close])
    }
}
