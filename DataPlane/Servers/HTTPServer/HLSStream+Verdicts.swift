import ClusterModel
import DASH
import FMP4
import HLS
import MediaModel
import NIOCore
import Streams
import Timebase

/// What is answered now, and what has to wait.
extension HLSStream {
    enum Verdict {
        case answered
        /// As long as any request; `atMost` says otherwise.
        case wait(atMost: TimeAmount?)
        /// However often it is considered.
        case linger(atMost: TimeAmount)
    }

    private enum Answer {
        case response(MediaResponse)
        case wait(atMost: TimeAmount?)
        case linger(atMost: TimeAmount)
        case fetch(ObjectName, for: ObjectName)
    }

    func verdict(on want: HLSWant) -> Verdict {
        guard let rendition else {
            want.refuse(.unknownStream(stream.id))
            return .answered
        }
        switch want {
        case .ask(let ask, let connection, let answer):
            switch self.answer(to: ask, rendition) {
            case .wait(let limit): return .wait(atMost: limit)
            case .linger(let limit): return .linger(atMost: limit)
            case .response(let response):
                count(ask, of: rendition, by: connection)
                answer(response)
            case .fetch(let whole, let name):
                count(ask, of: rendition, by: connection)
                fetch(whole) { answer($0.response(self, name)) }
            }
        case .description(let waits, let answer):
            guard isDescribable(rendition) else {
                if waits { return .wait(atMost: nil) }
                want.refuse(.nothingToDescribe)
                return .answered
            }
            describe(rendition, answer)
        case .part(let name, let answer):
            return verdict(on: name, of: rendition, answer)
        }
        return .answered
    }

    private func answer(to ask: HLSAsk, _ rendition: LiveRendition) -> Answer {
        switch ask {
        case .object(let name): return answer(to: name, rendition)
        case .segment(let name):
            guard !indexAsk.holdsPlaylists else { return .wait(atMost: nil) }
            switch rendition.segment(at: name.time, of: name.epoch) {
            case .segment(let sequence): return answer(to: name.object(sequence), rendition)
            case .notYet: return endedAt == nil ? .wait(atMost: nil) : .response(notAnObject(name))
            case .unknown: return .response(notAnObject(name))
            }
        case .mediaPlaylist(let query):
            guard isListable(rendition) else { return .wait(atMost: nil) }
            return answer(to: query, rendition.listed)
        case .multivariantPlaylist(let query):
            guard isListable(rendition) else { return .wait(atMost: nil) }
            let variants = MultivariantPlaylist.variants(of: stream, index: rendition.listed.index)
            return .response(.playlist(MultivariantPlaylist.render(variants, token: query.token), maxAge: 2))
        }
    }

    private func count(_ ask: HLSAsk, of rendition: LiveRendition, by connection: ObjectIdentifier) {
        if let name = ask.object(in: rendition) { count(name, by: connection) }
    }

    func isListable(_ rendition: LiveRendition) -> Bool {
        !indexAsk.holdsPlaylists && rendition.listed.isPlayable
    }

    // MARK: Playlists

    private func answer(to query: MediaQuery, _ window: SegmentWindow) -> Answer {
        let reload: BlockingReload
        switch query.reload {
        case .success(let read): reload = read
        case .failure(let error): return .response(.badRequest(error.description))
        }
        switch reload.decide(window) {
        case .answer: return .response(playlist(window, query, reload))
        case .wait(let limit): return .wait(atMost: .nanoseconds(limit.nanoseconds))
        case .linger(let limit): return .linger(atMost: .nanoseconds(limit.nanoseconds))
        case .refuseTooFarAhead:
            return .response(
                .badRequest(
                    "_HLS_msn is too far ahead: the newest segment is \(window.nextSequence); reload the playlist without it"
                )
            )
        }
    }

    private func playlist(_ window: SegmentWindow, _ query: MediaQuery, _ reload: BlockingReload) -> MediaResponse {
        let body = playlists.body(of: window, stream: stream, skip: reload.skip, token: query.token)
        // A blocked answer is the same for ever; a plain one is old with the next part.
        return .playlist(body, maxAge: reload.sequence == nil ? 1 : 6)
    }

    /// Answers what was held for a fuller playlist alone.
    func answersAsItStands(_ want: HLSWant) -> Bool {
        guard case .ask(.mediaPlaylist(let query), _, let answer) = want, let rendition, isListable(rendition),
            case .success(let reload) = query.reload, case .linger = reload.decide(rendition.listed)
        else { return false }
        answer(playlist(rendition.listed, query, reload))
        return true
    }

    // MARK: Objects

    private func answer(to name: ObjectName, _ rendition: LiveRendition) -> Answer {
        let whole = name.component?.whole ?? name
        guard !indexAsk.holdsPlaylists else { return .wait(atMost: nil) }
        switch rendition.object(whole) {
        case .bytes(let pieces): return .response(object(pieces, name))
        case .unknown, .expired: return .response(notAnObject(name))
        case .notYet where rendition.isBeingMade(whole):
            // HLS players take such a segment by its parts.
            guard name.component != nil else { return .wait(atMost: nil) }
            return .response(.growing(GrowingSegment(name, of: self), name))
        case .notYet, .newerEpoch: return endedAt == nil ? .wait(atMost: nil) : .response(notAnObject(name))
        case .fetchFromParent:
            return stream.upstream == nil ? .response(notAnObject(name)) : .fetch(whole, for: name)
        }
    }

    private func verdict(
        on name: ObjectName,
        of rendition: LiveRendition,
        _ answer: @escaping @Sendable (HLSWant.Part) -> Void
    ) -> Verdict {
        let whole = name.component?.whole ?? name
        guard !indexAsk.holdsPlaylists else { return .wait(atMost: nil) }
        switch rendition.object(whole) {
        case .bytes(let pieces): answer(extracted(name, from: pieces).map { .bytes($0) } ?? .missing)
        case .notYet where endedAt == nil: return .wait(atMost: nil)
        case .fetchFromParent where stream.upstream != nil:
            fetch(whole) { found in
                guard case .bytes(let pieces) = found else { return answer(.missing) }
                answer(self.extracted(name, from: pieces).map { .bytes($0) } ?? .missing)
            }
        case .unknown where rendition.ends(before: whole): answer(.end)
        case .unknown, .notYet, .newerEpoch, .expired, .fetchFromParent: answer(.missing)
        }
        return .answered
    }

    /// What `name` asks for of a whole object.
    func object(_ pieces: [ByteBuffer], _ name: ObjectName) -> MediaResponse {
        guard let parts = components(name, of: pieces) else { return notAnObject(name) }
        return .object(parts, name)
    }

    private func extracted(_ name: ObjectName, from pieces: [ByteBuffer]) -> ByteBuffer? {
        components(name, of: pieces)?.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
    }

    private func components(_ name: ObjectName, of pieces: [ByteBuffer]) -> [ByteBuffer]? {
        guard let component = name.component?.component else { return pieces }
        // The stream's own tracks may have changed since.
        let parts = pieces.compactMap {
            TrackExtraction.extract(track: MP4Track.number(of: component.track), from: $0)
        }
        return parts.count == pieces.count ? parts : nil
    }

    func notAnObject(_ name: some CustomStringConvertible) -> MediaResponse {
        .notFound("there is no object '\(name)' of \(stream.id): take names from the playlist")
    }
}

extension HLSAsk {
    /// Nil of playlists, and of a segment that is not known.
    fileprivate func object(in rendition: LiveRendition) -> ObjectName? {
        switch self {
        case .mediaPlaylist, .multivariantPlaylist: return nil
        case .object(let name): return name
        case .segment(let name):
            guard case .segment(let sequence) = rendition.segment(at: name.time, of: name.epoch) else { return nil }
            return name.object(sequence)
        }
    }
}

extension ObjectAnswer {
    fileprivate func response(_ stream: HLSStream, _ name: ObjectName) -> MediaResponse {
        switch self {
        case .bytes(let pieces): stream.object(pieces, name)
        case .missing: stream.notAnObject(name)
        }
    }
}

extension LiveRendition {
    /// Whether a name is of the segment whose parts are being made.
    fileprivate func isBeingMade(_ name: ObjectName) -> Bool {
        guard case .segment(let sequence) = name.kind, let open = index.open else { return false }
        return name.epoch == index.epoch && sequence == open.sequence
    }

    /// Whether a part would be the one behind the last of its segment.
    fileprivate func ends(before name: ObjectName) -> Bool {
        guard case .part(let sequence, let part) = name.kind, name.epoch == index.epoch else { return false }
        return index.segments.last { $0.sequence == sequence }?.parts.count == Int(part)
    }
}
