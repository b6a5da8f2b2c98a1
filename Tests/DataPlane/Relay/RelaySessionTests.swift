import ClusterModel
import EngineModel
import MediaFixtures
import MediaModel
import Relay
import TestSupport
import Testing
import Timebase

import struct NIOCore.ByteBuffer

@Suite struct RelaySessionTests {
    @Test func `The parent hears the hello and the child what was accepted`() {
        var pair = RelayPair()
        pair.run()
        #expect(pair.parentEvents == [.pullRequested(RelayPair.hello)])
        pair.parent.accept(RelayPair.accept)
        pair.run()
        #expect(pair.childEvents == [.accepted(RelayPair.accept)])
    }

    @Test(arguments: 1...8)
    func `Every item comes out of the child as it went in`(seed: UInt64) {
        var pair = RelayPair.serving(seed: seed)
        let items = FixtureStream(seed: seed).items(seconds: 1) + [.cut(RelayVector.cut)]
        for item in items { pair.send(item) }
        pair.run()
        #expect(pair.childEvents == items.map { .item($0) })
    }

    @Test(arguments: RelayRefusal.Code.allCases)
    func `A refusal reaches the child, and both sides close`(code: RelayRefusal.Code) {
        var pair = RelayPair()
        pair.run()
        pair.parent.refuse(RelayRefusal(code, "because"))
        pair.run()
        #expect(pair.childEvents == [.refused(RelayRefusal(code, "because"))])
        #expect(pair.childCloses == 1)
        #expect(pair.parentCloses == 1)
    }

    @Test func `A refusal with an endless text still reaches the child`() throws {
        var pair = RelayPair()
        pair.run()
        pair.parent.refuse(RelayRefusal(.unavailable, String(repeating: "ö", count: 5000)))
        pair.run()
        guard case .refused(let refusal)? = pair.childEvents.first else {
            Issue.record("the child heard \(pair.childEvents)")
            return
        }
        #expect(refusal.code == .unavailable)
        #expect(refusal.detail.allSatisfy { $0 == "ö" })
    }

    @Test func `A child of another version is told so without asking the application`() {
        var hello = RelayPair.hello
        hello.protocolVersion = RelayHello.protocolVersion + 1
        var pair = RelayPair(hello)
        pair.run()
        #expect(pair.parentEvents.isEmpty)
        guard case .refused(let refusal)? = pair.childEvents.first else {
            Issue.record("the child heard \(pair.childEvents)")
            return
        }
        #expect(refusal.code == .unsupportedVersion)
    }

    @Test func `A hello whose later version has another form is told so too`() {
        var parent = RelayParentSession(at: start)
        parent.receive(hex("01 0000000C 4D524C59 FFFF 0009 DEADBEEF"), at: start)
        guard case .transmit(let bytes)? = parent.nextOutput() else {
            Issue.record("nothing was said")
            return
        }
        let refusal = try? RelayFrameTests.frames(in: [bytes])
        guard case .refuse(let refusal)? = refusal?.first else {
            Issue.record("something else was said")
            return
        }
        #expect(refusal.code == .unsupportedVersion)
        #expect(parent.nextOutput() == .close)
    }

    @Test(arguments: [
        EndReason.unpublished, .publisherLost, .fenced(Epoch(9)), .draining, .removed,
    ])
    func `An end reaches the child with its reason, and nothing after it`(reason: EndReason) {
        var pair = RelayPair.serving()
        pair.parent.end(reason)
        pair.parent.report(.interrupted)
        pair.run()
        #expect(pair.childEvents == [.ended(reason)])
        #expect(pair.childCloses == 1)
        #expect(pair.parentCloses == 1)
        #expect(pair.child.nextDeadline == nil)
        #expect(pair.parent.nextDeadline == nil)
    }

    @Test func `States, gaps, interest and wishes for keyframes pass`() {
        var pair = RelayPair.serving()
        pair.sendToChild(.gap)
        pair.parent.report(.interrupted)
        pair.parent.report(.broadcasting)
        pair.child.setObjectInterest(true)
        pair.child.setObjectInterest(false)
        pair.child.requestKeyframe()
        pair.run()
        #expect(pair.childEvents.filter { $0 != .gap } == [.state(.interrupted), .state(.broadcasting)])
        #expect(pair.childEvents.contains(.gap))
        #expect(pair.parentEvents == [.objectInterest(true), .objectInterest(false), .keyframeRequested])
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 300_000])
    func `An object comes whole, with live media between its slices`(size: Int) throws {
        var pair = RelayPair.serving()
        let request = pair.child.request(object: "7.m4s")
        let id = try #require(request)
        pair.run()
        #expect(pair.parentEvents == [.objectRequested(id: id, name: "7.m4s")])
        let bytes = ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) })
        var rest = bytes
        let head = rest.readSlice(length: size / 3) ?? ByteBuffer()
        pair.parent.send(object: [head, rest], id: id)
        pair.send(.unit(RelayVector.unit))
        pair.run()
        var objects: [ByteBuffer] = []
        for case .object(id, let pieces) in pair.childEvents {
            objects.append(pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) })
        }
        #expect(objects == [bytes])
        #expect(pair.childEvents.contains(.item(.unit(RelayVector.unit))))
    }

    @Test func `An object is given slice by slice, each only when it is asked for`() throws {
        var limits = RelayLimits()
        limits.objectSliceBytes = 10
        var pair = RelayPair.serving(limits: limits)
        let requests = [pair.child.request(object: "x"), pair.child.request(object: "y")]
        let ids = requests.compactMap(\.self)
        try #require(ids.count == 2)
        pair.run()
        // Buffers shorter and longer than a slice.
        pair.parent.send(object: [hex("01 02 03"), hex("04"), ByteBuffer(repeating: 5, count: 20)], id: ids[0])
        pair.parent.send(object: [], id: ids[1])
        #expect(pair.parent.nextOutput() == nil)
        var sizes: [Int] = []
        var order: [UInt32] = []
        while let slice = pair.parent.nextObjectSlice() {
            guard case .objectData(let id, let isLast, let bytes)? = try RelayFrameTests.frames(in: [slice]).first
            else { break }
            order.append(id)
            sizes.append(bytes.readableBytes)
            #expect(isLast == (order.count >= 3))
        }
        #expect(sizes == [10, 10, 4, 0])
        #expect(order == [ids[0], ids[0], ids[0], ids[1]])
    }

    @Test func `An object in endless empty slices ends the pull`() throws {
        var limits = RelayLimits()
        limits.objectSlicesMax = 100
        var pair = RelayPair.serving(limits: limits)
        let request = pair.child.request(object: "x")
        let id = try #require(request)
        for _ in 0...100 { pair.sendToChild(.objectData(id: id, isLast: false, bytes: ByteBuffer())) }
        pair.run()
        #expect(pair.childEvents == [.failed(.tooManySlices(limit: 100))])
    }

    @Test func `Objects under way are bounded together, and one that came makes room`() throws {
        var limits = RelayLimits()
        limits.openObjectsBytesMax = 100
        var pair = RelayPair.serving(limits: limits)
        let requests = (0..<4).map { _ in pair.child.request(object: "x") }
        let ids = requests.compactMap(\.self)
        try #require(ids.count == 4)
        let slice = ByteBuffer(repeating: 0, count: 40)
        pair.sendToChild(.objectData(id: ids[0], isLast: true, bytes: slice))
        pair.sendToChild(.objectData(id: ids[1], isLast: false, bytes: slice))
        pair.sendToChild(.objectMissing(id: ids[1]))
        pair.sendToChild(.objectData(id: ids[2], isLast: false, bytes: slice))
        pair.sendToChild(.objectData(id: ids[3], isLast: false, bytes: slice))
        pair.run()
        #expect(pair.childEvents == [.object(id: ids[0], bytes: [slice]), .objectMissing(id: ids[1])])
        pair.sendToChild(.objectData(id: ids[2], isLast: false, bytes: slice))
        pair.run()
        #expect(pair.childEvents.last == .failed(.objectsTooLong(limit: 100)))
    }

    @Test func `TLS on a plain relay port is named as what it is`() {
        var parent = RelayParentSession(at: start)
        parent.receive(hex("16 0301 0200 01"), at: start)
        #expect(parent.nextOutput() == .event(.failed(.tlsOnPlainPort)))
        #expect(parent.nextOutput() == .close)
    }

    @Test func `A missing object is said once, and an answer nobody asked for is dropped`() throws {
        var pair = RelayPair.serving()
        let request = pair.child.request(object: "x")
        let id = try #require(request)
        pair.run()
        pair.parent.objectMissing(id: id)
        pair.parent.objectMissing(id: id)
        pair.parent.send(object: [], id: id)
        pair.sendToChild(.objectMissing(id: 77))
        pair.sendToChild(.objectData(id: 77, isLast: true, bytes: ByteBuffer()))
        pair.run()
        #expect(pair.childEvents == [.objectMissing(id: id)])
    }

    @Test func `The child asks for no more objects at once than the parent takes`() {
        var pair = RelayPair.serving()
        let ids = (0..<65).map { _ in pair.child.request(object: "x") }
        #expect(ids.count { $0 != nil } == 64)
        #expect(ids.last == .some(nil))
        pair.run()
        #expect(pair.parentEvents.count == 64)
        pair.sendToParent(.objectRequest(id: 1000, name: "x"))
        pair.run()
        #expect(pair.parentEvents.suffix(2) == [.childLeft, .failed(.tooManyObjectRequests(limit: 64))])
    }

    @Test func `Objects that a child asks for and does not read are kept up to a limit, and more are missing`() throws {
        var limits = RelayLimits()
        limits.openObjectsBytesMax = 100
        limits.objectSliceBytes = 10
        var pair = RelayPair.serving(limits: limits)
        let slice = ByteBuffer(repeating: 0, count: 60)
        let requests = (1...3).map { RelayFrame.objectRequest(id: $0, name: "x").encoded }
        for request in requests { pair.parent.receive(request, at: start) }
        pair.parent.send(object: [slice], id: 1)
        pair.parent.send(object: [slice], id: 2)
        var outputs: [ByteBuffer] = []
        while let output = pair.parent.nextOutput() {
            if case .transmit(let bytes) = output { outputs.append(bytes) }
        }
        #expect(outputs == [RelayFrame.objectMissing(id: 2).encoded])
        // What has been sent makes room.
        for _ in 0..<3 { _ = pair.parent.nextObjectSlice() }
        pair.parent.send(object: [slice], id: 3)
        #expect(pair.parent.nextOutput() == nil)
    }

    @Test func `An object longer than the limit ends the pull instead of filling the memory`() throws {
        var limits = RelayLimits()
        limits.objectBytesMax = 100
        var pair = RelayPair.serving(limits: limits)
        let request = pair.child.request(object: "x")
        let id = try #require(request)
        pair.run()
        pair.parent.send(object: [ByteBuffer(repeating: 0, count: 101)], id: id)
        pair.run()
        #expect(pair.childEvents == [.failed(.objectTooLong(limit: 100))])
    }

    @Test func `A goodbye is heard as the child leaving`() {
        var pair = RelayPair.serving()
        pair.child.leave()
        pair.run()
        #expect(pair.parentEvents == [.childLeft])
        #expect(pair.parentCloses == 1)
        #expect(pair.childEvents.isEmpty)
        #expect(pair.childCloses == 1)
    }

    @Test func `A child that vanishes is heard once, and one that never said hello not at all`() {
        var pair = RelayPair.serving()
        pair.parent.inputClosed(at: start)
        pair.parent.inputClosed(at: start)
        pair.run()
        #expect(pair.parentEvents == [.childLeft])
        var stranger = RelayParentSession(at: start)
        stranger.inputClosed(at: start)
        #expect(stranger.nextOutput() == nil)
    }

    @Test func `A parent that vanishes fails the pull`() {
        var pair = RelayPair.serving()
        pair.child.inputClosed(at: start)
        pair.run()
        #expect(pair.childEvents == [.failed(.peerSilent)])
    }

    @Test(arguments: RelayVector.fromParent.map(\.frame) + [.hello(RelayPair.hello)])
    func `A parent refuses what only a parent says`(frame: RelayFrame) {
        var pair = RelayPair.serving()
        pair.sendToParent(frame)
        pair.run()
        guard case .failed(.unexpectedFrame)? = pair.parentEvents.last else {
            Issue.record("the parent took it: \(pair.parentEvents)")
            return
        }
    }

    @Test func `Before the hello only a hello is taken, and no long one`() {
        for bytes in [RelayFrame.bye.encoded, RelayFrame.objectInterest(true).encoded, hex("02 00001001")] {
            var parent = RelayParentSession(at: start)
            parent.receive(bytes, at: start)
            guard case .event(.failed)? = parent.nextOutput() else {
                Issue.record("the parent took it")
                continue
            }
            #expect(parent.nextOutput() == .close)
        }
    }

    @Test func `A ping before the hello is answered alike, wins no more time, and leaves no trace`() {
        var parent = RelayParentSession(at: start)
        for second in 1...3 {
            parent.receive(ByteBuffer(bytes: RelayPing.frame), at: start + .seconds(second))
            #expect(parent.nextOutput() == .transmit(ByteBuffer(bytes: RelayPing.frame)))
            #expect(parent.nextOutput() == nil)
            #expect(parent.nextDeadline == start + RelayLimits().helloTimeout)
        }
        parent.inputClosed(at: start + .seconds(4))
        #expect(parent.nextOutput() == nil)
    }

    @Test func `A pull may follow a ping on the same connection`() {
        var parent = RelayParentSession(at: start)
        parent.receive(ByteBuffer(bytes: RelayPing.frame), at: start)
        _ = parent.nextOutput()
        parent.receive(RelayFrame.hello(RelayPair.hello).encoded, at: start)
        #expect(parent.nextOutput() == .event(.pullRequested(RelayPair.hello)))
    }

    @Test func `The child's story is the same wherever its bytes are cut`() {
        var bytes = ByteBuffer()
        let frames: [RelayFrame] = [.accept(RelayPair.accept), .keepAlive] + RelayVector.fromParent.map(\.frame)
        for frame in frames {
            if case .refuse = frame { continue }
            if case .accept = frame, bytes.readableBytes > 0 { continue }
            bytes.writeImmutableBuffer(frame.encoded)
        }
        let stories = outputsForEverySplit(of: Array(bytes.readableBytesView), at: start) {
            RelayChildSession(RelayPair.hello, at: start)
        }
        for story in stories { #expect(story == stories[0]) }
        #expect(stories[0].suffix(2) == [.event(.ended(.unpublished)), .close])
    }

    @Test func `The parent's story is the same wherever its bytes are cut`() {
        let bytes =
            RelayFrame.hello(RelayPair.hello).encoded.readableBytesView
            + RelayFrame.keepAlive.encoded.readableBytesView + RelayFrame.bye.encoded.readableBytesView
        let stories = outputsForEverySplit(of: Array(bytes), at: start) { RelayParentSession(at: start) }
        for story in stories { #expect(story == stories[0]) }
        #expect(stories[0] == [.event(.pullRequested(RelayPair.hello)), .event(.childLeft), .close])
    }
}
