import AntMediaSignalling
import Testing
import Timebase

struct SignallingSessionTests {
    @Test func `a publisher hears start, is answered, and is told when media flows and when it ends`() {
        var dialogue = Dialogue()
        #expect(dialogue.hear(#"{"command":"publish","streamId":"s1","token":"t"}"#) == [.send(.start(streamID: "s1"))])
        #expect(
            dialogue.hear(#"{"command":"takeConfiguration","streamId":"s1","type":"offer","sdp":"v=0"}"#)
                == [.event(.publishOffered(streamID: "s1", token: "t", sdp: "v=0"))]
        )
        #expect(
            dialogue.does { session, _ in session.publishAnswered("s1", sdp: "v=1") }
                == [.send(.takeConfiguration(streamID: "s1", kind: .answer, sdp: "v=1"))]
        )
        #expect(dialogue.hear(#"{"command":"takeCandidate","streamId":"s1","label":0,"id":"0","candidate":"x"}"#) == [])
        #expect(
            dialogue.does { session, _ in session.opened("s1") }
                == [.send(.notification(.publishStarted, streamID: "s1"))]
        )
        #expect(
            dialogue.does { session, _ in session.ended("s1") }
                == [.send(.notification(.publishFinished, streamID: "s1"))]
        )
        #expect(dialogue.session.streamIDs == [])
    }

    @Test func `a player is made an offer, answers, and stops`() {
        var dialogue = Dialogue()
        #expect(
            dialogue.hear(#"{"command":"play","streamId":"s1","token":""}"#)
                == [.event(.playRequested(streamID: "s1", token: nil))]
        )
        #expect(
            dialogue.does { session, now in session.playOffered("s1", sdp: "v=0", at: now) }
                == [.send(.takeConfiguration(streamID: "s1", kind: .offer, sdp: "v=0"))]
        )
        #expect(
            dialogue.hear(#"{"command":"takeConfiguration","streamId":"s1","type":"answer","sdp":"v=1"}"#)
                == [.event(.playAnswered(streamID: "s1", sdp: "v=1"))]
        )
        _ = dialogue.does { session, _ in session.opened("s1") }
        #expect(
            dialogue.hear(#"{"command":"stop","streamId":"s1"}"#)
                == [.event(.stopped(streamID: "s1")), .send(.notification(.playFinished, streamID: "s1"))]
        )
        #expect(dialogue.does { session, _ in session.ended("s1") } == [], "what was stopped ends without a word")
    }

    @Test func `a player forces a quality, and zero lines leave the choice to the server`() {
        var dialogue = Dialogue()
        let force = #"{"command":"forceStreamQuality","streamId":"s1","streamHeight":"#
        #expect(dialogue.hear(force + "240}") == [], "nothing plays")
        _ = dialogue.hear(#"{"command":"play","streamId":"s1"}"#)
        _ = dialogue.does { session, now in session.playOffered("s1", sdp: "v=0", at: now) }
        _ = dialogue.hear(#"{"command":"takeConfiguration","streamId":"s1","type":"answer","sdp":"v=1"}"#)
        #expect(dialogue.hear(force + "240}") == [.event(.qualityForced(streamID: "s1", height: 240))])
        #expect(dialogue.hear(force + "0}") == [.event(.qualityForced(streamID: "s1", height: nil))])
    }

    @Test(arguments: [
        (#"{"command":"publish"}"#, "noStreamNameSpecified"),
        (#"{"command":"takeConfiguration","streamId":"s1","type":"offer","sdp":"v=0"}"#, "notSetRemoteDescription"),
        (#"{"command":"takeConfiguration","streamId":"s1","type":"pranswer","sdp":"v=0"}"#, "notSetRemoteDescription"),
        (#"{"command":"joinRoom","streamId":"s1"}"#, "not_supported"),
        (#"{"streamId":"s1"}"#, "not_supported"),
        ("", "not_supported"),
        ("[[[[", "not_supported"),
    ])
    func `what the dialogue does not allow is answered by its name, and the connection goes on`(
        text: String,
        definition: String
    ) {
        var dialogue = Dialogue()
        guard case .send(.error(definition, _, _, _))? = dialogue.hear(text).first else {
            Issue.record("no error \(definition)")
            return
        }
        #expect(dialogue.hear(#"{"command":"ping"}"#) == [.send(.pong)])
    }

    @Test func `a stream runs once on a connection`() {
        var dialogue = Dialogue()
        _ = dialogue.hear(#"{"command":"publish","streamId":"s1"}"#)
        #expect(dialogue.definition(of: #"{"command":"play","streamId":"s1"}"#) == "already_publishing")
        _ = dialogue.hear(#"{"command":"play","streamId":"s2"}"#)
        #expect(dialogue.definition(of: #"{"command":"play","streamId":"s2"}"#) == "already_playing")
    }

    @Test func `who says nothing more is refused in time, and what it asked for is ended`() {
        var dialogue = Dialogue()
        _ = dialogue.hear(#"{"command":"publish","streamId":"s1"}"#)
        _ = dialogue.hear(#"{"command":"play","streamId":"s2"}"#)
        _ = dialogue.does { session, now in session.playOffered("s2", sdp: "v=0", at: now) }
        #expect(dialogue.session.nextDeadline == dialogue.now + .seconds(10))
        dialogue.now = dialogue.now + .seconds(10)
        let outputs = dialogue.does { session, now in session.timeoutReached(at: now) }
        #expect(
            outputs.contains(.event(.stopped(streamID: "s1"))) && outputs.contains(.event(.stopped(streamID: "s2")))
        )
        let definitions = outputs.compactMap { output in
            if case .send(.error(let definition, _, _, _)) = output { definition } else { nil }
        }
        #expect(definitions == ["publishTimeoutError", "notSetRemoteDescription"])
        #expect(dialogue.session.nextDeadline == nil && dialogue.session.streamIDs == [])
    }

    @Test func `a lost connection ends all its streams, and late answers say nothing`() {
        var dialogue = Dialogue()
        _ = dialogue.hear(#"{"command":"publish","streamId":"s1"}"#)
        _ = dialogue.hear(#"{"command":"takeConfiguration","streamId":"s1","type":"offer","sdp":"v=0"}"#)
        #expect(dialogue.does { session, _ in session.inputClosed() } == [.event(.stopped(streamID: "s1"))])
        #expect(dialogue.does { session, _ in session.publishAnswered("s1", sdp: "v=1") } == [])
        #expect(dialogue.does { session, _ in session.refused("s1", definition: "x", information: "y") } == [])
    }

    @Test func `a connection carries so many streams and no more`() {
        var limits = SignallingLimits()
        limits.streamsMax = 2
        var dialogue = Dialogue(limits)
        for id in 1...2 { _ = dialogue.hear(#"{"command":"play","streamId":"s\#(id)"}"#) }
        #expect(dialogue.definition(of: #"{"command":"play","streamId":"s3"}"#) == "highResourceUsage")
        #expect(dialogue.session.streamIDs == ["s1", "s2"])
    }

    @Test(arguments: [
        (SignallingMessage.start(streamID: "s1"), #"{"command":"start","streamId":"s1"}"#),
        (.pong, #"{"command":"pong"}"#),
        (
            .takeConfiguration(streamID: "s1", kind: .answer, sdp: "v=0\r\n"),
            #"{"command":"takeConfiguration","sdp":"v=0\r\n","streamId":"s1","type":"answer"}"#
        ),
        (
            .unknownStream("s1"),
            #"{"command":"error","definition":"no_stream_exist","error_code":"404","#
                + #""information":"stream_not_exist_or_not_streaming","streamId":"s1"}"#
        ),
        (
            .notification(.playStarted, streamID: "s1"),
            #"{"command":"notification","definition":"play_started","streamId":"s1"}"#
        ),
        (
            .iceServerConfig(SignallingMessage.IceServer(uri: "stun:a")),
            #"{"command":"iceServerConfig","stunServerUri":"stun:a","turnServerCredential":"","turnServerUsername":""}"#
        ),
    ])
    func `messages have the fields that the SDK reads`(message: SignallingMessage, text: String) {
        #expect(message.text == text)
    }
}

/// One side of a connection, on a clock of its own.
private struct Dialogue {
    var session: SignallingSession
    var now = MonotonicInstant(nanoseconds: 0)

    init(_ limits: SignallingLimits = SignallingLimits()) { session = SignallingSession(limits: limits) }

    mutating func hear(_ text: String) -> [SignallingSession.Output] {
        does { session, now in session.receive(text, at: now) }
    }

    mutating func does(
        _ change: (inout SignallingSession, MonotonicInstant) -> Void
    ) -> [SignallingSession.Output] {
        change(&session, now)
        var outputs: [SignallingSession.Output] = []
        while let output = session.nextOutput() { outputs.append(output) }
        return outputs
    }

    mutating func definition(of text: String) -> String? {
        guard case .send(.error(let definition, _, _, _))? = hear(text).first else { return nil }
        return definition
    }
}
