import ClusterModel
import MediaModel
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import Streams
import Testing
import Timebase

@Suite struct LiveStreamTests {
    /// Writes down what it is told.
    private final class Recorder: StreamSubscriber, @unchecked Sendable {
        var items: [StreamItem] = []
        var notices: [StreamNotice] = []
        var settings: [AppSettings] = []

        func stream(_ stream: LiveStream, sent items: [StreamItem]) { self.items += items }
        func stream(_ stream: LiveStream, noticed notice: StreamNotice) { notices.append(notice) }
        func stream(_ stream: LiveStream, applied settings: AppSettings) { self.settings.append(settings) }
    }

    /// Cuts a segment before every unit.
    private struct EveryUnitCutter: StreamCutter {
        var sequence: UInt64
        var retains = false
        var next: ResumePoint { ResumePoint(sequence: sequence, discontinuity: 0, mediaTime: .zero) }

        mutating func mark(before item: StreamItem, at wall: WallTime) -> CutMark? {
            guard case .unit = item else { return nil }
            defer { sequence += 1 }
            return SpliceFilterTests.mark(sequence, 0, 0)
        }

        mutating func retainSegments(_ isOn: Bool) { retains = isOn }
    }

    static let track = Track(id: .video, codec: .mp3(sampleRate: 44_100, channels: 2))

    private func make(loop: EmbeddedEventLoop) throws -> LiveStream {
        LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop)
    }

    private func unit(_ milliseconds: Int64) -> IngestItem {
        .unit(
            AccessUnit(
                track: .video,
                decodeTime: MediaTime(milliseconds: milliseconds),
                isKeyframe: true,
                payload: ByteBuffer(string: "x")
            ),
            frame: nil
        )
    }

    private func own(
        _ stream: LiveStream,
        epoch: Int64,
        sequence: UInt64 = 0,
        settings: AppSettings = AppSettings()
    ) {
        stream.beginTenure(
            epoch: Epoch(epoch),
            resume: .start,
            settings: settings,
            cutter: EveryUnitCutter(sequence: sequence)
        )
    }

    private let wall = WallTime(milliseconds: 0)

    @Test func `a late subscriber starts from the segment that is current`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        stream.ingest([.tracks([Self.track]), unit(0), unit(40)], at: wall)
        let snapshot = stream.subscribe(Recorder())
        #expect(snapshot.epoch == Epoch(1))
        #expect(snapshot.tracks == [Self.track])
        #expect(snapshot.items.first == .cut(SpliceFilterTests.mark(1, 0, 0)))
        #expect(snapshot.items.count == 2)
        #expect(stream.phase == .live)
        #expect(stream.isServing)
    }

    @Test func `what is kept is given with the tracks it began with, also when they have changed since`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        let changed = Track(id: .video, codec: .mp3(sampleRate: 48_000, channels: 2))
        own(stream, epoch: 1)
        stream.ingest([.tracks([Self.track]), unit(0), .tracks([changed])], at: wall)
        #expect(stream.snapshot.tracks == [Self.track])
        #expect(stream.snapshot.items.count == 3)
        stream.ingest([unit(40)], at: wall)
        #expect(stream.snapshot.tracks == [changed])
        #expect(stream.snapshot.items.count == 2)
    }

    @Test func `changed settings are told once to whoever takes part`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        var settings = AppSettings()
        settings.mergeWindowMilliseconds = 100
        stream.apply(settings)
        stream.apply(settings)
        #expect(recorder.settings == [settings])
        stream.beginTenure(
            epoch: Epoch(1),
            resume: .start,
            settings: AppSettings(),
            cutter: EveryUnitCutter(sequence: 0)
        )
        #expect(recorder.settings == [settings, AppSettings()])
    }

    @Test func `what segments are made of changes with the next epoch, other settings at once`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        var settings = AppSettings()
        settings.hlsSegmentType = .mpegts
        settings.hlsWindowSegments = 5
        stream.apply(settings)
        #expect(stream.settings.hlsSegmentType == .fmp4 && stream.settings.hlsWindowSegments == 5)
        stream.beginTenure(
            epoch: Epoch(2),
            resume: .start,
            settings: settings,
            cutter: EveryUnitCutter(sequence: 0)
        )
        #expect(stream.settings.hlsSegmentType == .mpegts)
    }

    @Test func `demand is told with the first subscriber and after the last`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        var demand: [Bool] = []
        stream.onDemandChanged = { demand.append($0) }
        let (first, second) = (Recorder(), Recorder())
        _ = stream.subscribe(first)
        _ = stream.subscribe(second)
        stream.unsubscribe(first)
        #expect(demand == [true])
        stream.unsubscribe(second)
        stream.unsubscribe(second)
        #expect(demand == [true, false])
    }

    @Test func `an interruption and its end are told once, and media brings the stream back`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        stream.ingest([.tracks([Self.track]), unit(0)], at: wall)
        stream.interrupt()
        stream.interrupt()
        stream.ingest([unit(40)], at: wall)
        #expect(recorder.notices == [.interrupted, .resumed])
    }

    @Test func `a publisher that returns within its grace goes on where it broke off`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        stream.ingest([.tracks([Self.track]), unit(0), unit(40)], at: wall)
        stream.interrupt()
        stream.publisherReturned()
        stream.ingest([unit(9_000_000)], at: wall)
        #expect(recorder.notices == [.interrupted, .resumed])
        #expect(recorder.items.count == 7)
    }

    @Test func `a fenced owner tells it, and the new owner's media follows under its epoch`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        stream.ingest([.tracks([Self.track]), unit(0)], at: wall)
        stream.endTenure(fencedBy: Epoch(2))
        // The fenced publisher's media no longer counts.
        stream.ingest([unit(40)], at: wall)
        let upstream = FakeUpstream()
        stream.beginPull(from: upstream, epoch: Epoch(2), tracks: [Self.track])
        stream.receive([.cut(SpliceFilterTests.mark(9, 0, 0))])
        #expect(recorder.notices == [.fenced(Epoch(2)), .interrupted, .epochChanged(Epoch(2))])
        #expect(recorder.items.last == .cut(SpliceFilterTests.mark(9, 0, 0)))
        #expect(recorder.items.count == 4)
    }

    @Test func `nothing follows the end, which is told once`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        let recorder = Recorder()
        _ = stream.subscribe(recorder)
        stream.end(.unpublished)
        stream.end(.publisherLost)
        stream.ingest([.tracks([Self.track]), unit(0)], at: wall)
        #expect(recorder.notices == [.ended(.unpublished)])
        #expect(recorder.items.isEmpty)
        #expect(!stream.isServing)
    }

    @Test func `the parent is told when somebody begins and stops to want objects, also one that comes later`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        let first = FakeUpstream()
        stream.beginPull(from: first, epoch: Epoch(1), tracks: [Self.track])
        stream.wantObjects(true)
        stream.wantObjects(true)
        stream.wantObjects(false)
        #expect(first.wanted == [true])
        let second = FakeUpstream()
        stream.endPull(from: first)
        stream.beginPull(from: second, epoch: Epoch(1), tracks: [Self.track])
        stream.wantObjects(false)
        #expect(second.wanted == [true, false])
    }

    @Test func `players of some protocols need the sound in another codec, by what the stream has now`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        own(stream, epoch: 1)
        let opus = Track(id: .audio, codec: .opus(configuration: ByteBuffer(), channels: 2))
        let aac = Track(id: .audio, codec: .aac(configuration: ByteBuffer(), sampleRate: 48_000, channels: 2))
        let kinds: [ClientProtocol] = [.webrtc, .rtmp, .httpFlv, .srt, .hls, .dash]
        stream.ingest([.tracks([opus])], at: wall)
        #expect(kinds.map(stream.soundNeeded) == [nil, .aac, .aac, .aac, nil, nil])
        stream.ingest([.tracks([aac])], at: wall)
        #expect(kinds.map(stream.soundNeeded) == [.opus, nil, nil, nil, nil, nil])
        let ac3 = Track(id: .audio, codec: .ac3(configuration: ByteBuffer(), sampleRate: 48_000, channels: 6))
        stream.ingest([.tracks([ac3])], at: wall)
        #expect(kinds.map(stream.soundNeeded) == [.opus, .aac, .aac, nil, nil, nil])
        stream.ingest([.tracks([Track(id: .video, codec: .vp8(width: 16, height: 16))])], at: wall)
        #expect(kinds.allSatisfy { stream.soundNeeded(by: $0) == nil })
    }

    @Test func `pictures of a codec that a protocol does not carry are refused, by what segments are made of`() throws {
        let opus = Track(id: .audio, codec: .opus(configuration: ByteBuffer(), channels: 2))
        func refusing(
            _ codec: CodecParameters,
            _ segments: AppSettings.HLSSegmentType = .fmp4
        ) throws -> Set<ClientProtocol> {
            let stream = try make(loop: EmbeddedEventLoop())
            own(stream, epoch: 1)
            stream.ingest([.tracks([Track(id: .video, codec: codec), opus])], at: wall)
            var settings = AppSettings()
            settings.hlsSegmentType = segments
            own(stream, epoch: 2, settings: settings)
            #expect(stream.soundNeeded(by: .hls) == (segments == .mpegts ? .aac : nil))
            return Set(ClientProtocol.allCases.filter { stream.refusal(of: $0) != nil })
        }
        let h264 = CodecParameters.h264(configuration: ByteBuffer(), width: 16, height: 16)
        let vp9 = CodecParameters.vp9(configuration: ByteBuffer(), width: 16, height: 16)
        let av1 = CodecParameters.av1(configuration: ByteBuffer(), width: 16, height: 16)
        #expect(try refusing(h264).isEmpty && refusing(h264, .mpegts).isEmpty)
        #expect(try refusing(.vp8(width: 16, height: 16)) == [.rtmp, .httpFlv, .hls, .dash, .srt])
        #expect(try refusing(vp9) == [.rtmp, .httpFlv, .srt])
        #expect(try refusing(vp9, .mpegts) == [.rtmp, .httpFlv, .hls, .srt])
        #expect(try refusing(av1) == [.srt] && refusing(av1, .mpegts) == [.hls, .srt])
    }

    @Test func `however many need a keyframe, one request a second goes up`() throws {
        let loop = EmbeddedEventLoop()
        let stream = try make(loop: loop)
        let parent = FakeUpstream()
        stream.beginPull(from: parent, epoch: Epoch(1), tracks: [Self.track])
        for _ in 0..<30 {
            stream.wantKeyframe()
            stream.wantKeyframe()
            loop.advanceTime(by: .milliseconds(100))
        }
        #expect(parent.keyframesWanted == 3)
    }

    @Test func `a publication ends once, however often it is told`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        let ends = NIOLockedValueBox<[Bool]>([])
        let publication = Publication(stream: stream, epoch: Epoch(1), wallClock: { WallTime(milliseconds: 0) }) {
            _,
            isClean in
            ends.withLockedValue { $0.append(isClean) }
        }
        publication.end(isClean: true)
        publication.end(isClean: false)
        #expect(ends.withLockedValue { $0 } == [true])
    }

    @Test func `a publisher that was revoked before it could listen hears of it when it listens`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        let heard = NIOLockedValueBox<[EndReason]>([])
        let publication = Publication(stream: stream, epoch: Epoch(1), wallClock: { WallTime(milliseconds: 0) }) {
            _,
            _ in
        }
        publication.revoke(.fenced(Epoch(2)))
        publication.whenRevoked { reason in heard.withLockedValue { $0.append(reason) } }
        #expect(heard.withLockedValue { $0 } == [.fenced(Epoch(2))])
    }

    @Test func `a publisher hears once that it was revoked, with the first reason`() throws {
        let stream = try make(loop: EmbeddedEventLoop())
        let heard = NIOLockedValueBox<[EndReason]>([])
        let publication = Publication(stream: stream, epoch: Epoch(1), wallClock: { WallTime(milliseconds: 0) }) {
            _,
            _ in
        }
        publication.whenRevoked { reason in heard.withLockedValue { $0.append(reason) } }
        publication.revoke(.fenced(Epoch(2)))
        publication.revoke(.removed)
        #expect(heard.withLockedValue { $0 } == [.fenced(Epoch(2))])
    }
}

private final class FakeUpstream: StreamUpstream, @unchecked Sendable {
    var wanted: [Bool] = []
    var keyframesWanted = 0
    let hops: [String] = []
    let chosenTracks: [TrackID] = []

    func wantObjects(_ isWanted: Bool) { wanted.append(isWanted) }
    func wantKeyframe() { keyframesWanted += 1 }
    func fetch(object name: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) { answer(.missing) }
}
