import HLS
import MediaModel
package import NIOCore
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
        guard let rendition, let name = ObjectName(text) else { return answer(.missing) }
        switch rendition.object(name) {
        case .bytes(let pieces): answer(.bytes(pieces))
        case .fetchFromParent where stream.upstream != nil: fetch(name, answer)
        case .fetchFromParent, .unknown, .expired, .notYet, .newerEpoch: answer(.missing)
        }
    }

    package func segmentIndex() -> ByteBuffer? {
        guard let rendition else { return nil }
        var bytes = ByteBuffer()
        rendition.index.encode(into: &bytes)
        return bytes
    }
}
