import ClusterModel
import Codecs
import LibAV
import Logging
import MediaFixtures
import MediaModel
import NIOCore
import NIOPosix
import Renditions
import StreamFixtures
import Streams
import Testing
import Timebase
import Transcoding

/// A published stream and what is derived of it, with the real codecs.
@Suite(.timeLimit(.minutes(2))) struct RenditionServiceTests {
    private static let rung = EncoderSetting(height: 36, videoBitrate: 60_000, audioBitrate: 0)

    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let service: RenditionService<LibAVCodecs>

    init() {
        var limits = RenditionLimits()
        // Everything comes at once here, and every picture is compared.
        limits.transcoding.unitsMax = 1000
        limits.transcoding.soundUnitsMax = 1000
        limits.transcoding.picturesMax = 1000
        limits.transcoding.picturesHigh = 1000
        service = RenditionService(codecs: LibAVCodecs(), logger: Logger(label: "test"), limits: limits)
    }

    private func source(
        _ rung: EncoderSetting = Self.rung,
        encoder: String = "libx264",
        fallback: String = ""
    ) throws -> LiveStream {
        var settings = AppSettings()
        settings.encoderSettings = [rung]
        settings.encoderSpeed = "ultrafast"
        settings.videoEncoder = encoder
        settings.fallbackEncoder = fallback
        return LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop, settings: settings)
    }

    private func target(_ source: LiveStream) -> LiveStream {
        LiveStream(id: source.id.derived(.rung(Self.rung.renditionName)), loop: loop)
    }

    private func begin(_ source: LiveStream) {
        source.beginTenure(epoch: Epoch(7), resume: .start, settings: source.settings, cutter: KeyframeCutter())
    }

    private func publish(
        from start: Double = 0,
        seconds: Double,
        to source: LiveStream,
        hasBegun: Bool = false,
        thenEnd: Bool = true
    ) throws {
        let items = try SampleClip.items(seconds: seconds).compactMap { item -> IngestItem? in
            switch item {
            case .tracks(let tracks): .tracks(tracks)
            case .unit(let unit) where unit.decodeTime >= MediaTime(seconds: start): .unit(unit, frame: nil)
            case .unit, .cut: nil
            }
        }
        loop.execute {
            if !hasBegun, start == 0 { begin(source) }
            source.ingest(items, at: WallTime(milliseconds: 0))
            if thenEnd { source.end(.unpublished) }
        }
    }

    /// Pictures alone.
    private func publishSilent(from start: Double = 0, seconds: Double, to source: LiveStream) throws {
        let items = try SampleClip.items(seconds: seconds).compactMap { item -> IngestItem? in
            switch item {
            case .tracks(let tracks): .tracks(tracks.filter { $0.kind == .video })
            case .unit(let unit) where unit.track == .video && unit.decodeTime >= MediaTime(seconds: start):
                .unit(unit, frame: nil)
            case .unit, .cut: nil
            }
        }
        loop.execute {
            if start == 0 { begin(source) }
            source.ingest(items, at: WallTime(milliseconds: 0))
        }
    }

    /// Goes on until a rung has given enough: its sound begins with the first segment after that's encoder has opened, for
    /// which nobody waits.
    /// - Returns: the seconds of the clip that were published by then.
    private func publish(
        from start: Double = 0,
        to source: LiveStream,
        until isEnough: @escaping @Sendable ([StreamItem]) -> Bool,
        of rung: Collector
    ) async throws -> Double {
        var published = start
        while try await loop.submit({ !isEnough(rung.items) }).get() {
            // The other suites want the machine too.
            try await Task.sleep(for: .milliseconds(10))
            guard service.figures.queueDepth == 0 else { continue }
            try publish(from: published, seconds: published + 2, to: source, thenEnd: false)
            published += 2
        }
        return published
    }

    /// Returns once somebody takes the source's items.
    private func demand(of source: LiveStream) -> AsyncStream<Bool> {
        let (stream, feed) = AsyncStream<Bool>.makeStream()
        loop.execute { source.onDemandChanged = { feed.yield($0) } }
        return stream
    }

    /// A stream that is made of the source from here on, and what somebody who watches it gets.
    private func derive(
        _ derivation: StreamID.Derivation = .rung(Self.rung.renditionName),
        of source: LiveStream
    ) async -> (Collector, end: Task<DerivedEnd, Never>) {
        let target = LiveStream(id: source.id.derived(derivation), loop: loop)
        let collector = Collector()
        loop.execute { _ = target.subscribe(collector) }
        let demand = demand(of: source)
        let service = service
        let end = Task { await service.derive(target, derivation, of: source) }
        for await isWanted in demand where isWanted { break }
        return (collector, end)
    }

    @Test func `a rung is the source in smaller: its cuts, its times, its sound`() async throws {
        let source = try source()
        let (collector, end) = await derive(of: source)
        try publish(seconds: 4, to: source)
        #expect(await end.value == .ended(.unpublished))
        let items = collector.items
        guard case .tracks(let tracks)? = items.first, case .cut(let first)? = items.dropFirst().first else {
            Issue.record("it begins with \(items.prefix(2))")
            return
        }
        #expect(tracks.map(\.kind) == [.video, .audio])
        #expect(first.part == 0 && first.sequence == 0)
        let segments = items.compactMap { if case .cut(let mark) = $0, mark.part == 0 { mark } else { nil } }
        #expect(segments.map(\.sequence) == [0, 1])
        let pictures = items.compactMap { if case .unit(let unit) = $0, unit.track == .video { unit } else { nil } }
        let published = try SampleClip.items(seconds: 4).compactMap {
            if case .unit(let unit) = $0, unit.track == .video { unit } else { nil }
        }
        #expect(pictures.map(\.presentationTime).sorted() == published.map(\.presentationTime).sorted())
        #expect(
            pictures.filter(\.isKeyframe).map(\.presentationTime)
                == published.filter(\.isKeyframe).map(\.presentationTime)
        )
        #expect(items.contains { if case .unit(let unit) = $0 { unit.track == .audio } else { false } })
        #expect(collector.epoch == Epoch(7))
    }

    @Test func `sound in another codec comes with the same pictures and cuts`() async throws {
        let source = try source()
        let target = LiveStream(id: source.id.derived(.sound(.opus)), loop: loop)
        let collector = Collector()
        loop.execute { _ = target.subscribe(collector) }
        let service = service
        let (begun, feed) = AsyncStream<Void>.makeStream()
        loop.execute {
            begin(source)
            source.onDemandChanged = { _ in feed.yield() }
        }
        let end = Task { await service.derive(target, .sound(.opus), of: source) }
        for await _ in begun { break }
        try publish(seconds: 6, to: source, hasBegun: true, thenEnd: false)
        var sounds = 0
        for await items in collector.arrivals {
            for case .unit(let unit) in items where unit.track == .audio { sounds += 1 }
            if sounds >= 60 { break }
        }
        end.cancel()
        #expect(await end.value == .stopped)
        let tracks = collector.items.compactMap { if case .tracks(let tracks) = $0 { tracks } else { nil } }
        #expect(tracks.map { $0.map(\.codec.name) } == [["h264", "opus"]])
        let cuts = collector.items.filter { if case .cut = $0 { true } else { false } }
        #expect(!cuts.isEmpty)
    }

    @Test func `a rung's sound is encoded at its bit rate, at the source's sample rate`() async throws {
        let source = try source(EncoderSetting(height: 36, videoBitrate: 60_000, audioBitrate: 48_000))
        let (collector, end) = await derive(of: source)
        let published = try await publish(to: source, until: { $0.soundCount > 20 }, of: collector)
        let items = try await loop.submit { collector.items }.get()
        var tracks: [Track] = []
        for case .tracks(let told) in items { tracks = told }
        let sounds = items.compactMap {
            if case .unit(let unit) = $0, unit.track == .audio { unit.payload } else { nil }
        }
        end.cancel()
        #expect(await end.value == .stopped)
        let original = try SampleClip.tracks().first { $0.kind == .audio }
        let sound = try #require(tracks.first { $0.kind == .audio }).codec
        #expect(sound.name == "aac")
        #expect(sound.sampleRate == original?.codec.sampleRate)
        let originals = try SampleClip.items(seconds: published).compactMap {
            if case .unit(let unit) = $0, unit.track == .audio { unit.payload } else { nil }
        }
        #expect(Set(sounds).isDisjoint(with: originals), "it was encoded anew")
    }

    @Test func `pictures in order are H.264 without reordering, of the source's size, with its sound`() async throws {
        let source = try source(encoder: "libx265")
        let (collector, end) = await derive(.inOrder(rung: nil), of: source)
        try publish(seconds: 4, to: source)
        #expect(await end.value == .ended(.unpublished))
        let original = try SampleClip.tracks()
        guard case .tracks(let tracks)? = collector.items.first, let video = tracks.first?.codec else {
            Issue.record("it begins with \(collector.items.prefix(1))")
            return
        }
        #expect(video.name == "h264")
        #expect(video.codecString?.hasPrefix("avc1.42") == true)
        #expect(video.pictureSize?.width == original.first { $0.kind == .video }?.codec.pictureSize?.width)
        #expect(tracks.last == original.first { $0.kind == .audio })
        let pictures = collector.items.compactMap {
            if case .unit(let unit) = $0, unit.track == .video { unit } else { nil }
        }
        #expect(pictures.count == 120)
        #expect(pictures.allSatisfy { $0.compositionOffset == .zero })
    }

    @Test(arguments: ["", "libx265"])
    func `a missing encoder ends the rung, or is replaced as configured`(fallback: String) async throws {
        let source = try source(encoder: "no_such_encoder", fallback: fallback)
        let (collector, end) = await derive(of: source)
        try publish(seconds: 2, to: source)
        guard !fallback.isEmpty else {
            guard case .notMade(let reason) = await end.value else {
                Issue.record("\(await end.value)")
                return
            }
            #expect(reason.contains("no_such_encoder"))
            // Nobody tries it again at once, and who asks is told the same.
            let again = await service.derive(target(source), .rung(Self.rung.renditionName), of: source)
            #expect(again == .notMade(reason))
            #expect(service.figures.givenUp.map(\.name) == [Self.rung.renditionName])
            return
        }
        #expect(await end.value == .ended(.unpublished))
        let codecs = collector.items.compactMap {
            if case .tracks(let tracks) = $0 { tracks.first?.codec.name } else { nil }
        }
        #expect(codecs == ["h265"])
    }

    @Test func `a rung without an encoder is offered no more, until it may be tried again`() async throws {
        var limits = RenditionLimits()
        limits.givenUpFor = .milliseconds(300)
        let service = RenditionService(codecs: LibAVCodecs(), logger: Logger(label: "test"), limits: limits)
        let source = try source(encoder: "no_such_encoder")
        let (told, feed) = AsyncStream.makeStream(of: [String].self)
        let offers = Offers(feed)
        loop.execute {
            begin(source)
            _ = source.subscribe(offers)
        }
        try publish(seconds: 1, to: source, hasBegun: true, thenEnd: false)
        // A keyframe opens the encoder, and the rung waits for the next one.
        async let end = service.derive(target(source), .rung(Self.rung.renditionName), of: source)
        while try await loop.submit({ source.subscriberCount < 2 }).get() { await Task.yield() }
        try publish(from: 1, seconds: 4, to: source, hasBegun: true, thenEnd: false)
        var changes = told.makeAsyncIterator()
        #expect(await changes.next() == [Self.rung.renditionName])
        guard case .notMade = await end else {
            Issue.record("it was made")
            return
        }
        #expect(await changes.next() == [])
        #expect(service.figures.givenUp.isEmpty)
        try await loop.submit { source.end(.unpublished) }.get()
    }

    @Test func `a rung that joins another one of the same sound begins with the next segment, with sound`() async throws
    {
        let sound = 48_000
        let names = [36, 24].map {
            EncoderSetting(height: $0, videoBitrate: 60_000, audioBitrate: sound)
        }
        var settings = AppSettings()
        settings.encoderSettings = names
        settings.encoderSpeed = "ultrafast"
        let source = LiveStream(id: try StreamID(app: "live", id: "s1"), loop: loop, settings: settings)
        let targets = names.map { LiveStream(id: source.id.derived(.rung($0.renditionName)), loop: loop) }
        let collectors = targets.map { _ in Collector() }
        loop.execute { for (target, collector) in zip(targets, collectors) { _ = target.subscribe(collector) } }
        let demand = demand(of: source)
        let service = service
        var ends: [Task<DerivedEnd, Never>] = []
        var published = 0.0
        for (target, name) in zip(targets, names.map(\.renditionName)) {
            ends.append(Task { await service.derive(target, .rung(name), of: source) })
            if ends.count == 1 {
                for await isWanted in demand where isWanted { break }
                published = try await publish(
                    to: source,
                    until: { $0.soundCount > 0 },
                    of: collectors[0]
                )
            }
        }
        // The second one is there when its stream has an epoch: it is fed from then on.
        while try await loop.submit({ targets[1].epoch == nil }).get() { await Task.yield() }
        _ = try await publish(from: published, to: source, until: { $0.soundCount > 0 }, of: collectors[1])
        loop.execute { source.end(.unpublished) }
        for end in ends { #expect(await end.value == .ended(.unpublished)) }
        let items = collectors[1].items
        guard case .tracks(let tracks)? = items.first, case .cut(let first)? = items.dropFirst().first else {
            Issue.record("it begins with \(items.prefix(2))")
            return
        }
        #expect(tracks.map(\.kind) == [.video, .audio])
        #expect(first.part == 0 && first.sequence > 0)
    }

    @Test func `sound that comes, goes and comes again is encoded for a rung that began without it`() async throws {
        let source = try source(EncoderSetting(height: 36, videoBitrate: 60_000, audioBitrate: 48_000))
        let (collector, end) = await derive(of: source)
        var published = 2.0
        try publishSilent(seconds: published, to: source)
        for turn in 1...2 {
            let before = try await loop.submit { collector.items.soundCount }.get()
            published = try await publish(
                from: published,
                to: source,
                until: { $0.soundCount > before && $0.told.count { $0.contains(.audio) } == turn },
                of: collector
            )
            try publishSilent(from: published, seconds: published + 2, to: source)
            published += 2
        }
        loop.execute { source.end(.unpublished) }
        #expect(await end.value == .ended(.unpublished))
        #expect(collector.items.told == [[.video], [.video, .audio], [.video], [.video, .audio], [.video]])
        let sounds = collector.items.compactMap {
            if case .unit(let unit) = $0, unit.track == .audio { unit.payload } else { nil }
        }
        let originals = try SampleClip.items(seconds: published).compactMap {
            if case .unit(let unit) = $0, unit.track == .audio { unit.payload } else { nil }
        }
        #expect(Set(sounds).isDisjoint(with: originals), "it was encoded anew")
    }

    @Test func `sound that cannot be decoded is not tried for ever`() async throws {
        let source = try source()
        let target = LiveStream(id: source.id.derived(.sound(.opus)), loop: loop)
        let broken = Track(
            id: .audio,
            codec: .aac(configuration: ByteBuffer(bytes: [0xFF, 0xFF]), sampleRate: 48_000, channels: 2)
        )
        loop.execute {
            begin(source)
            source.ingest([.tracks([broken])], at: WallTime(milliseconds: 0))
        }
        #expect(await service.derive(target, .sound(.opus), of: source) == .unknown)
    }

    @Test func `a rung that is not in the ladder is unknown`() async throws {
        let source = try source()
        try publish(seconds: 1, to: source, thenEnd: false)
        #expect(await service.derive(target(source), .rung("99p1kbps"), of: source) == .unknown)
    }

    @Test func `what nobody wants any more is not encoded any more, and the source has its subscriber back`()
        async throws
    {
        let source = try source()
        let demand = demand(of: source)
        let target = target(source)
        let service = service
        let end = Task { await service.derive(target, .rung(Self.rung.renditionName), of: source) }
        for await isWanted in demand where isWanted { break }
        end.cancel()
        #expect(await end.value == .stopped)
        for await isWanted in demand where !isWanted { break }
        #expect(service.figures == DeriverFigures())
    }
}

extension StreamItem {
    fileprivate var isSound: Bool { if case .unit(let unit) = self { unit.track == .audio } else { false } }
}

extension [StreamItem] {
    fileprivate var soundCount: Int { count(where: \.isSound) }

    fileprivate var told: [[TrackKind]] {
        compactMap { if case .tracks(let tracks) = $0 { tracks.map(\.kind) } else { nil } }
    }
}

/// What a source's players are told of rungs that are given up.
private final class Offers: StreamSubscriber {
    private let feed: AsyncStream<[String]>.Continuation

    init(_ feed: AsyncStream<[String]>.Continuation) { self.feed = feed }

    func stream(_ stream: LiveStream, sent items: [StreamItem]) {}

    func stream(_ stream: LiveStream, noticed notice: StreamNotice) {
        if case .rungsGivenUp(let rungs) = notice { feed.yield(rungs) }
    }
}
