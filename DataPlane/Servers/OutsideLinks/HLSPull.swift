import Codecs
import FMP4
import HTTPClient
import MediaModel
import NIOCore
import SRTServer
import Streams

/// Follows an HLS playlist outside of the cluster and publishes what its segments hold.
struct HLSPull: Sendable {
    /// Players stay three segments behind the end (RFC 8216 §6.3.3); one that distributes on stays two.
    private static let segmentsBehind = 2
    private static let requestTimeout = Duration.seconds(10)
    /// Playlists and segments that fail in a row before the source counts as lost.
    private static let failuresMax = 3

    private let intake: SourceIntake
    private let url: String
    private let http: HTTPClient

    init(_ intake: SourceIntake, _ url: String, http: HTTPClient) {
        self.intake = intake
        self.url = url
        self.http = http
    }

    func run() async -> LinkEnd {
        do {
            var playlist = url
            if case .variants(let best) = try await read(playlist) {
                playlist = HLSSource.resolve(best, against: playlist)
            }
            return try await follow(playlist)
        } catch let end as LinkEnd {
            return end
        } catch is CancellationError {
            return .finished
        } catch { return Task.isCancelled ? .finished : .failed("\(error)") }
    }

    private func follow(_ playlist: String) async throws -> LinkEnd {
        let reader = SegmentReader(intake)
        var next: UInt64?
        var failures = 0
        while true {
            guard case .media(let media) = try await read(playlist) else { throw HLSSource.Fault.noPlaylist }
            let first = media.segments.dropLast(media.isEnded ? 0 : Self.segmentsBehind - 1).last?.sequence ?? 0
            // A playlist that begins anew is followed from its end, like one seen for the first time.
            let end = media.segments.last.map { $0.sequence &+ 1 } ?? 0
            if next.map({ end < $0 }) ?? true { next = media.isEnded ? media.segments.first?.sequence : first }
            for segment in media.segments where segment.sequence >= next ?? 0 {
                do {
                    try await read(segment, of: playlist, with: reader)
                    failures = 0
                } catch let error as HTTPClientError {
                    failures += 1
                    guard failures < Self.failuresMax, error != .cancelled else { throw error }
                }
                next = segment.sequence &+ 1
            }
            if media.isEnded { return .sourceEnded }
            try await Task.sleep(for: .seconds(media.targetDuration / 2))
        }
    }

    private func read(_ playlist: String) async throws -> HLSSource {
        try HLSSource(parsing: String(decoding: try await get(playlist), as: UTF8.self))
    }

    private func read(_ segment: HLSSource.Segment, of playlist: String, with reader: SegmentReader) async throws {
        if let map = segment.map, await reader.needs(map) {
            let bytes = try await get(HLSSource.resolve(map, against: playlist))
            try await reader.begin(map, ByteBuffer(bytes: bytes))
        }
        let bytes = try await get(HLSSource.resolve(segment.uri, against: playlist))
        try await reader.take(ByteBuffer(bytes: bytes), isTransportStream: segment.map == nil)
    }

    private func get(_ url: String) async throws -> [UInt8] {
        var url = url
        // Millrace's own control plane answers so.
        for _ in 0..<4 {
            let response = try await http.send(HTTPRequest(.get, url, timeout: Self.requestTimeout))
            if let location = response.head["location"], (300..<400).contains(response.status) {
                url = HLSSource.resolve(location, against: url)
                continue
            }
            guard response.status == 200 else { throw LinkEnd.failed("the server answered \(response.status)") }
            return response.body
        }
        throw LinkEnd.failed("the server redirects in circles")
    }
}

extension FragmentDemuxer {
    fileprivate func duration(of unit: AccessUnit) -> AudioFrameDuration? {
        guard let codec = tracks.first(where: { $0.id == unit.track })?.codec, codec.kind == .audio,
            let samples = codec.samples(inFrame: unit.payload), let rate = codec.sampleRate
        else { return nil }
        return AudioFrameDuration(samples: Int64(samples), rate: Int64(rate))
    }
}

/// Turns segments into items, on the intake's loop.
private final class SegmentReader: @unchecked Sendable {
    private let intake: SourceIntake
    private var transport = TSToStream()
    private var fragments: FragmentDemuxer?
    private var map: String?

    init(_ intake: SourceIntake) { self.intake = intake }

    func needs(_ map: String) async -> Bool { await run { self.map != map } }

    func begin(_ map: String, _ bytes: ByteBuffer) async throws {
        try await run {
            self.map = map
            let demuxer = try FragmentDemuxer(initialization: bytes)
            self.fragments = demuxer
            self.intake.take([.tracks(demuxer.tracks)])
        }
    }

    func take(_ bytes: ByteBuffer, isTransportStream: Bool) async throws {
        try await run {
            var batch: [IngestItem] = []
            if isTransportStream {
                _ = try self.transport.take(bytes, into: &batch)
            } else if let fragments = self.fragments {
                batch = try fragments.units(in: bytes).map { .unit($0, frame: fragments.duration(of: $0)) }
            }
            if !batch.isEmpty { self.intake.take(batch) }
        }
    }

    private func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            intake.loop.execute {
                let result: Result<Value, Failure>
                do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
