import DequeModule
package import MediaModel
import Timebase

package import struct NIOCore.ByteBuffer

/// Bounds on the media one stream keeps for HLS and DASH.
package struct SegmentStoreLimits: Hashable, Sendable {
    /// Segments kept beside those listed, for players that hold an older playlist.
    package var unlistedSegmentsMax = 6
    /// Above this the oldest segments go, listed or not. 64 MB is 25 s of 20 Mbit/s.
    package var bytesMax = 64 << 20
    /// As `bytesMax`, for windows that were set to be longer than `longWindowSegmentsMin`: 1 GB is an hour of 2.4 Mbit/s.
    package var longWindowBytesMax = 1 << 30
    package var longWindowSegmentsMin = 60
    package var initializationsMax = 16

    package init() {}
}

/// The bytes of one rendition's window, over epochs. Parts are kept once: a segment is the list of its parts.
package struct SegmentStore: Sendable {
    package enum Lookup: Hashable, Sendable {
        /// To be sent one after the other.
        case bytes([ByteBuffer])
        /// No object of this name can exist: 404.
        case unknown
        /// It is being made: hold the request until the window moves.
        case notYet
        /// It existed and is gone: 404.
        case expired
        /// It exists, but this node joined too late to make it.
        case fetchFromParent
        /// Of an epoch this node has not seen: another node may be ahead, or the name is made up.
        case newerEpoch
    }

    private struct Key: Hashable {
        var epoch: Epoch
        var sequence: UInt64
    }

    private struct Stored {
        var parts: [UInt32: ByteBuffer] = [:]
        /// Parts 0 up to here make the segment; nil until it is complete.
        var partCount: UInt32?
        /// The whole segment as one piece, fetched from the parent.
        var whole: ByteBuffer?
        var byteCount = 0
        /// At which it begins; nil where this node did not learn it.
        var mediaTime: MediaTime?
    }

    private let rendition: String
    private let limits: SegmentStoreLimits
    private var segments: [Key: Stored] = [:]
    private var order: Deque<Key> = []
    private var initializations: [(name: ObjectName, bytes: ByteBuffer)] = []
    package private(set) var byteCount = 0

    package init(rendition: String = ObjectName.sourceRendition, limits: SegmentStoreLimits = SegmentStoreLimits()) {
        self.rendition = rendition
        self.limits = limits
    }

    /// Takes what the packager made. `window` has already taken it.
    package mutating func receive(_ output: PackagerOutput, epoch: Epoch, window: SegmentWindow) {
        switch output {
        case .initialization(let name, let bytes): keepInitialization(name, bytes)
        case .part(let part):
            let key = Key(epoch: epoch, sequence: part.mark.sequence)
            keep(part.bytes, number: part.mark.part, in: key)
            if part.mark.part == 0 { segments[key]?.mediaTime = part.mark.mediaTime }
        case .opened(let mark):
            if mark.part == 0 { completeLast(of: window) }
        case .ended: completeLast(of: window)
        }
        trim(window.index)
    }

    /// Keeps what was fetched from the parent, so that it is fetched once. Refused (false) when it is not of this rendition.
    package mutating func insert(fetched name: ObjectName, _ bytes: ByteBuffer, window: SegmentWindow) -> Bool {
        guard name.rendition == rendition, name.container == window.index.settings.container else { return false }
        switch name.kind {
        case .initialization: keepInitialization(name, bytes)
        case .part(let sequence, let part): keep(bytes, number: part, in: Key(epoch: name.epoch, sequence: sequence))
        case .segment(let sequence):
            let key = Key(epoch: name.epoch, sequence: sequence)
            addIfNew(key)
            guard segments[key]?.whole == nil else { return true }
            segments[key]?.whole = bytes
            count(bytes, in: key)
            if name.epoch == window.index.epoch {
                let listed = window.index.segments.first { $0.sequence == sequence }
                if let listed { segments[key]?.mediaTime = listed.mediaTime }
            }
        }
        trim(window.index)
        return true
    }

    /// Of a segment that is kept, also when it is listed no more.
    func sequence(at time: MediaTime, of epoch: Epoch) -> UInt64? {
        segments.first { $0.key.epoch == epoch && $0.value.mediaTime == time }?.key.sequence
    }

    /// Whether any segment of `epoch` is left.
    package func holds(_ epoch: Epoch) -> Bool { order.contains { $0.epoch == epoch } }

    package func lookup(_ name: ObjectName, window: SegmentWindow) -> Lookup {
        guard name.rendition == rendition, name.container == window.index.settings.container else { return .unknown }
        if let bytes = stored(name) { return .bytes(bytes) }
        if name.epoch > window.index.epoch { return .newerEpoch }
        if name.epoch < window.index.epoch { return .expired }
        switch name.kind {
        case .initialization(let number): return lookupInitialization(number, window)
        case .segment(let sequence): return lookup(sequence, part: nil, window)
        case .part(let sequence, let part): return lookup(sequence, part: part, window)
        }
    }

    private func stored(_ name: ObjectName) -> [ByteBuffer]? {
        switch name.kind {
        case .initialization: return initializations.first { $0.name == name }.map { [$0.bytes] }
        case .part(let sequence, let part):
            return segments[Key(epoch: name.epoch, sequence: sequence)]?.parts[part].map { [$0] }
        case .segment(let sequence):
            guard let segment = segments[Key(epoch: name.epoch, sequence: sequence)] else { return nil }
            if let whole = segment.whole { return [whole] }
            guard let count = segment.partCount else { return nil }
            let parts = (0..<count).compactMap { segment.parts[$0] }
            return parts.count == Int(count) ? parts : nil
        }
    }

    private func lookupInitialization(_ number: UInt64, _ window: SegmentWindow) -> Lookup {
        let known = window.index.segments + (window.index.open.map { [$0] } ?? [])
        if known.contains(where: { $0.discontinuity == number }) { return .fetchFromParent }
        return known.first.map { number < $0.discontinuity } == true ? .expired : .unknown
    }

    private func lookup(_ sequence: UInt64, part: UInt32?, _ window: SegmentWindow) -> Lookup {
        let next = window.nextSequence
        if let open = window.index.open, sequence == open.sequence {
            guard let part else { return .notYet }
            if Int(part) < open.parts.count { return .fetchFromParent }
            return Int(part) == open.parts.count ? .notYet : .unknown
        }
        if sequence >= next {
            // A player may ask for the hinted first part of the next segment a moment before its mark comes.
            return sequence <= next + 1 && (part ?? 0) == 0 && !window.index.isEnded ? .notYet : .unknown
        }
        guard let first = window.index.segments.first, sequence >= first.sequence else { return .expired }
        guard let part else { return .fetchFromParent }
        let segment = window.index.segments[Int(sequence - first.sequence)]
        if segment.parts.isEmpty { return .expired }
        return Int(part) < segment.parts.count ? .fetchFromParent : .unknown
    }

    private mutating func keepInitialization(_ name: ObjectName, _ bytes: ByteBuffer) {
        guard !initializations.contains(where: { $0.name == name }) else { return }
        initializations.append((name, bytes))
        if initializations.count > limits.initializationsMax { initializations.removeFirst() }
    }

    private mutating func keep(_ bytes: ByteBuffer, number: UInt32, in key: Key) {
        addIfNew(key)
        guard segments[key]?.parts[number] == nil else { return }
        segments[key]?.parts[number] = bytes
        count(bytes, in: key)
    }

    private mutating func completeLast(of window: SegmentWindow) {
        guard let last = window.index.segments.last, !last.parts.isEmpty else { return }
        segments[Key(epoch: window.index.epoch, sequence: last.sequence)]?.partCount = UInt32(
            clamping: last.parts.count
        )
    }

    /// Oldest first, also when an old one is fetched late.
    private mutating func addIfNew(_ key: Key) {
        guard segments[key] == nil else { return }
        segments[key] = Stored()
        let position = order.lastIndex { ($0.epoch, $0.sequence) < (key.epoch, key.sequence) }
        order.insert(key, at: position.map { $0 + 1 } ?? 0)
    }

    private mutating func count(_ bytes: ByteBuffer, in key: Key) {
        segments[key]?.byteCount += bytes.readableBytes
        byteCount += bytes.readableBytes
    }

    private mutating func trim(_ index: SegmentIndex) {
        let isLong = index.settings.windowSegments > limits.longWindowSegmentsMin
        let bytesMax = isLong ? limits.longWindowBytesMax : limits.bytesMax
        let segmentsMax = index.segments.count + 1 + limits.unlistedSegmentsMax
        while order.count > segmentsMax || (byteCount > bytesMax && order.count > 1) {
            let key = order.removeFirst()
            byteCount -= segments.removeValue(forKey: key)?.byteCount ?? 0
        }
    }
}
