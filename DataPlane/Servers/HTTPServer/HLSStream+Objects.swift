import HLS
import MediaModel
import NIOCore
package import Streams

/// Objects that this node did not make, and those that child nodes did not.
extension HLSStream {
    /// One request to the parent, however many wait for it.
    func fetch(_ name: ObjectName, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        let key = name.description
        let isFirst = fetching[key] == nil
        fetching[key, default: []].append(answer)
        guard isFirst else { return }
        guard let upstream = stream.upstream else { return finishFetch(key, .missing) }
        upstream.fetch(object: key) { answer in
            if case .bytes(let pieces) = answer {
                var whole = ByteBuffer()
                for piece in pieces { whole.writeImmutableBuffer(piece) }
                _ = self.rendition?.insert(fetched: name, whole)
            }
            self.finishFetch(key, answer)
        }
    }

    private func finishFetch(_ key: String, _ answer: ObjectAnswer) {
        for waiter in fetching.removeValue(forKey: key) ?? [] { waiter(answer) }
    }

    // MARK: StreamObjects, for child nodes

    package func object(named text: String, _ answer: @escaping @Sendable (ObjectAnswer) -> Void) {
        guard let rendition else { return answer(.missing) }
        guard text != SegmentIndexAsk.objectName else { return indexAsk.whenAnswered { answer(self.encodedIndex) } }
        guard let name = ObjectName(text) else { return answer(.missing) }
        switch rendition.object(name) {
        case .bytes(let pieces): answer(.bytes(pieces))
        case .fetchFromParent where stream.upstream != nil: fetch(name, answer)
        case .fetchFromParent, .unknown, .expired, .notYet, .newerEpoch: answer(.missing)
        }
    }

    private var encodedIndex: ObjectAnswer {
        guard let rendition else { return .missing }
        var bytes = ByteBuffer()
        rendition.index.encode(into: &bytes)
        return .bytes([bytes])
    }
}

/// The parent's index.
extension HLSStream {
    /// Asks the parent which segments there are beside those that came by here.
    func askForIndex(holdsPlaylists: Bool) {
        guard let upstream = stream.upstream else { return }
        let number = indexAsk.begin(holdsPlaylists: holdsPlaylists, until: .now() + limits.indexTimeout)
        rendition?.expectIndex()
        upstream.fetch(object: SegmentIndexAsk.objectName) { answer in
            guard case .bytes(let pieces) = answer else { return self.indexCame(nil, askedAs: number) }
            let bytes = pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
            self.indexCame(try? SegmentIndex(decoding: bytes), askedAs: number)
        }
    }

    func indexCame(_ index: SegmentIndex?, askedAs number: Int) {
        guard indexAsk.isUnderWay(number) else { return }
        rendition?.adopt(index)
        indexAsk.end()
        versionChanged()
    }

    /// Once a segment: a parent that lacks them too may have them by the next.
    func askForWhatIsLacking() {
        guard let rendition, rendition.lacksSegments, !indexAsk.isUnderWay, endedAt == nil,
            indexAsk.isFirst(for: rendition.version)
        else { return }
        askForIndex(holdsPlaylists: false)
    }
}
