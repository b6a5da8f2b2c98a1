import ClusterModel
import DASH
import FMP4
import HLS
import MediaModel
import NIOCore
import Streams
import Transcoding

/// What DASH says of this stream.
extension HLSStream {
    /// A rung stands beside its source, which has whole segments: its first part is enough. Its players get the segment as it
    /// grows.
    func isDescribable(_ rendition: LiveRendition) -> Bool {
        if isListable(rendition) { return true }
        guard case .rung(_)? = stream.id.derivation, !indexAsk.holdsPlaylists else { return false }
        return rendition.listed.index.open?.parts.isEmpty == false
    }

    /// A period's tracks stand in its initialization section, which a node that joined after it has from its parent.
    func describe(_ rendition: LiveRendition, _ answer: @escaping @Sendable (HLSWant.Description) -> Void) {
        let lacking = rendition.earlierInitializations.filter { !rendition.holds($0) }
        fetchAll(lacking[...]) {
            guard let rendition = self.rendition else {
                return answer(.response(.refusal(.unknownStream(self.stream.id))))
            }
            answer(self.description(of: rendition))
        }
    }

    /// Also when one of them is not to be had: its period is left out.
    private func fetchAll(_ names: ArraySlice<ObjectName>, _ body: @escaping @Sendable () -> Void) {
        guard let name = names.first, stream.upstream != nil else { return body() }
        fetch(name) { _ in self.fetchAll(names.dropFirst(), body) }
    }

    private func description(of rendition: LiveRendition) -> HLSWant.Description {
        let index = rendition.listed.index
        guard index.settings.container == .fragmentedMP4 else { return .response(.noDASH(of: stream.id.app)) }
        var tracks: [UInt64: [Track]] = [:]
        for name in rendition.earlierInitializations {
            guard case .initialization(let number) = name.kind, case .bytes(let pieces) = rendition.object(name),
                let bytes = pieces.first
            else { continue }
            tracks[number] = try? FragmentDemuxer(initialization: bytes).tracks
        }
        if let newest = index.newestDiscontinuity { tracks[newest] = newestTracks(of: rendition) }
        let variants = MultivariantPlaylist.variants(of: stream, index: index)
        let described = MediaPresentation.Rendition(
            name: stream.id.renditionName,
            index: index,
            bandwidth: variants.first?.bandwidth ?? 1,
            tracks: tracks
        )
        let rungs = zip(stream.offeredRungs, variants.dropFirst()).map {
            HLSWant.Rung(name: $0.name, bandwidth: $1.bandwidth)
        }
        return .rendition(described, rungs: rungs)
    }

    /// Those of the stream where nothing was packaged here yet.
    private func newestTracks(of rendition: LiveRendition) -> [Track] {
        let isOfThisEpoch = rendition.listed.index.epoch == rendition.index.epoch
        return isOfThisEpoch && !rendition.openTracks.isEmpty ? rendition.openTracks : stream.tracks
    }
}

extension LiveRendition {
    /// Of the listed segments before the newest discontinuity.
    fileprivate var earlierInitializations: [ObjectName] {
        let index = listed.index
        let numbers = Set(index.segments.map(\.discontinuity)).filter { $0 != index.newestDiscontinuity }
        return numbers.sorted().map { ObjectName(rendition: rendition, epoch: index.epoch, kind: .initialization($0)) }
    }

    fileprivate func holds(_ name: ObjectName) -> Bool {
        if case .bytes = object(name) { true } else { false }
    }
}

extension SegmentIndex {
    fileprivate var newestDiscontinuity: UInt64? { (open ?? segments.last)?.discontinuity }
}
