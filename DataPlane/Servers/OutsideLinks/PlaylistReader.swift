import FMP4
import HTTPClient
import MPEGTS
import MediaModel
import SRTServer
import Streams

import struct NIOCore.ByteBuffer

/// Reads a media playlist's segments, each once and in their order.
struct PlaylistReader {
    private static let requestTimeout = Duration.seconds(10)
    /// Segments that fail in a row before the source counts as lost.
    private static let failuresMax = 3
    /// Millrace's own control plane answers so.
    private static let redirectsMax = 4

    /// Players stay three segments behind the end (RFC 8216 §6.3.3); one that distributes on stays two.
    var segmentsBehind = 2
    /// Seconds.
    private(set) var targetDuration = 0.0
    private(set) var isEnded = false

    private let url: String
    private let http: HTTPClient
    private var parser = SegmentParser()
    private var segments: ArraySlice<HLSSource.Segment> = []
    private var position: UInt64?
    private var failures = 0

    init(_ url: String, http: HTTPClient) {
        self.url = url
        self.http = http
    }

    func read() async throws -> HLSSource {
        try HLSSource(parsing: String(decoding: try await get(url), as: UTF8.self))
    }

    /// Finds out which segments are new.
    mutating func reload() async throws {
        guard case .media(let media) = try await read() else { throw HLSSource.Fault.noPlaylist }
        (targetDuration, isEnded) = (media.targetDuration, media.isEnded)
        let first = media.segments.dropLast(isEnded ? 0 : segmentsBehind - 1).last?.sequence
        // A playlist that begins anew is followed from its end, like one seen for the first time.
        let end = media.segments.last.map { $0.sequence &+ 1 } ?? 0
        if position.map({ end < $0 }) ?? true {
            position = (isEnded ? media.segments.first?.sequence : first ?? media.segments.first?.sequence) ?? 0
        }
        segments = media.segments.drop { $0.sequence < position ?? 0 }
    }

    /// What the next segment holds; nil when there is no new one. One that cannot be had is left out, unless it is one of several.
    mutating func next() async throws -> [IngestItem]? {
        guard let segment = segments.popFirst() else { return nil }
        position = segment.sequence &+ 1
        do {
            var items: [IngestItem] = []
            if let map = segment.map, parser.needs(map) {
                let bytes = try await get(HLSSource.resolve(map, against: url))
                items += try parser.begin(map, ByteBuffer(bytes: bytes))
            }
            let bytes = try await get(HLSSource.resolve(segment.uri, against: url))
            items += try parser.take(ByteBuffer(bytes: bytes), isTransportStream: segment.map == nil)
            failures = 0
            return items
        } catch let error as HTTPClientError {
            failures += 1
            guard failures < Self.failuresMax, error != .cancelled else { throw error }
            return []
        }
    }

    private func get(_ url: String) async throws -> [UInt8] {
        var url = url
        for _ in 0..<Self.redirectsMax {
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

/// Turns segments into items.
private struct SegmentParser {
    private var transport = TSToStream()
    private var packed = PackedAudio()
    private var packedTracks: [Track] = []
    private var fragments: FragmentDemuxer?
    private var map: String?

    func needs(_ map: String) -> Bool { self.map != map }

    mutating func begin(_ map: String, _ bytes: ByteBuffer) throws -> [IngestItem] {
        self.map = map
        let demuxer = try FragmentDemuxer(initialization: bytes)
        fragments = demuxer
        return [.tracks(demuxer.tracks)]
    }

    mutating func take(_ bytes: ByteBuffer, isTransportStream: Bool) throws -> [IngestItem] {
        guard isTransportStream else {
            guard let fragments else { return [] }
            return try fragments.units(in: bytes).map { IngestItem($0, of: fragments.tracks) }
        }
        if PackedAudio.isOne(bytes) { return try packedItems(bytes) }
        var items: [IngestItem] = []
        _ = try transport.take(bytes, into: &items)
        return items
    }

    private mutating func packedItems(_ bytes: ByteBuffer) throws(PackedAudio.Fault) -> [IngestItem] {
        try packed.take(bytes).compactMap { event in
            switch event {
            case .tracks(let tracks):
                packedTracks = tracks
                return .tracks(tracks)
            case .unit(let unit): return IngestItem(unit, of: packedTracks)
            case .refused: return nil
            }
        }
    }
}
