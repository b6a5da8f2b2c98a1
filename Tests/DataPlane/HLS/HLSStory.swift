import HLS
import MediaModel
import NIOCore
import Timebase

/// What the origin's stream looks like once the cutter has put its marks in.
func marked(
    _ items: [StreamItem],
    settings: PackagingSettings = PackagingSettings(),
    resume: ResumePoint = .start
) -> [StreamItem] {
    var cutter = SegmentCutter(settings: settings, resume: resume)
    return marked(items, by: &cutter)
}

func marked(_ items: [StreamItem], by cutter: inout SegmentCutter) -> [StreamItem] {
    var result: [StreamItem] = []
    for item in items {
        var wallTime = WallTime(milliseconds: 1_763_700_000_000)
        if case .unit(let unit) = item { wallTime.milliseconds += unit.decodeTime.milliseconds }
        if let mark = cutter.receive(item, at: wallTime) { result.append(.cut(mark)) }
        result.append(item)
    }
    return result
}

func cuts(_ items: [StreamItem]) -> [CutMark] {
    items.compactMap { item in
        guard case .cut(let mark) = item else { return nil }
        return mark
    }
}

/// Where the segments begin, in milliseconds.
func segmentStarts(_ items: [StreamItem]) -> [Int64] {
    cuts(items).filter { $0.part == 0 }.map(\.mediaTime.milliseconds)
}

extension LiveRendition {
    init(epoch: Int64 = 7, settings: PackagingSettings = PackagingSettings(), items: [StreamItem] = []) {
        self.init(index: SegmentIndex(epoch: Epoch(epoch), settings: settings))
        for item in items { receive(item) }
    }

    func playlist(skip: Bool = false, token: String? = nil) -> String {
        String(buffer: MediaPlaylist(index: listed.index, streamID: "s1").render(skip: skip, token: token))
    }
}

func name(_ text: String) -> ObjectName {
    guard let name = ObjectName(text) else { preconditionFailure("\(text) is no object name") }
    return name
}
