import Codecs
import MediaModel

import struct NIOCore.ByteBuffer

/// Makes pictures of an H.264 or H.265 byte stream, with access unit delimiters or without (ITU-T H.264 §7.4.1.2.3,
/// ITU-T H.265 §7.4.2.4.4).
struct VideoParser: Sendable {
    private struct Picture: Sendable {
        var offset: Int
        var units: [ByteBuffer] = []
        var parameterSets: [(kind: ParameterSets.Kind, bytes: ByteBuffer)] = []
        var byteCount = 0
        var hasSlice = false
        var hasKeyframeSlice = false
        var hasRecoveryPoint = false
    }

    /// Whoever splits one picture over PES packets fills them: below this, a packet's end is a picture's end.
    private static let fullPacketBytes = 65_000

    private let syntax: VideoSyntax
    private let limits: TSLimits
    private var scanner = NALUnitScanner()
    private var stamps: PendingStamps
    private var picture: Picture?
    private var sets = ParameterSets()
    private var parameters: CodecParameters?

    init(syntax: VideoSyntax, limits: TSLimits) {
        self.syntax = syntax
        self.limits = limits
        stamps = PendingStamps(countMax: limits.stampsMax)
    }

    mutating func begin(_ stamps: PESStamps?) {
        if let stamps { self.stamps.add(stamps, at: scanner.endOffset) }
    }

    mutating func append(_ bytes: ByteBuffer, into output: inout [ElementaryOutput]) {
        scanner.append(bytes)
        while let unit = scanner.next() { take(unit, &output) }
        if scanner.pendingBytes + (picture?.byteCount ?? 0) > limits.accessUnitBytesMax { lose(&output) }
    }

    mutating func packetEnded(byteCount: Int, into output: inout [ElementaryOutput]) {
        if byteCount < Self.fullPacketBytes { finish(into: &output) }
    }

    mutating func finish(into output: inout [ElementaryOutput]) {
        if let unit = scanner.flush() { take(unit, &output) }
        finishPicture(&output)
    }

    /// Bytes are missing here: the picture at hand is not whole.
    mutating func lose(_ output: inout [ElementaryOutput]) {
        scanner.lose()
        if picture != nil { output.append(.damaged) }
        picture = nil
    }

    private mutating func take(_ unit: NALUnitScanner.Unit, _ output: inout [ElementaryOutput]) {
        let role = syntax.role(of: unit.bytes)
        if picture?.hasSlice == true, role.beginsPicture { finishPicture(&output) }
        var current = picture ?? Picture(offset: unit.offset)
        switch role {
        case .slice(_, let isKeyframe):
            current.hasSlice = true
            current.hasKeyframeSlice = current.hasKeyframeSlice || isKeyframe
            current.units.append(unit.bytes)
        case .prefix(let isRecoveryPoint):
            current.hasRecoveryPoint = current.hasRecoveryPoint || isRecoveryPoint
            current.units.append(unit.bytes)
        case .parameterSet(let kind): current.parameterSets.append((kind, unit.bytes))
        case .other: current.units.append(unit.bytes)
        case .delimiter, .filler: break
        }
        current.byteCount += unit.bytes.readableBytes
        picture = current
    }

    private mutating func finishPicture(_ output: inout [ElementaryOutput]) {
        guard let picture else { return }
        self.picture = nil
        learn(picture.parameterSets, &output)
        guard picture.hasSlice else { return }
        let stamps = stamps.take(upTo: picture.offset)
        guard parameters != nil else { return }
        let isOpenGOPStart = picture.hasRecoveryPoint && picture.parameterSets.contains { $0.kind == .sequence }
        output.append(
            .unit(
                ElementaryUnit(
                    stamps: stamps,
                    isKeyframe: picture.hasKeyframeSlice || isOpenGOPStart,
                    duration: nil,
                    payload: LengthPrefixedNALUnits.join(picture.units)
                )
            )
        )
    }

    private mutating func learn(
        _ found: [(kind: ParameterSets.Kind, bytes: ByteBuffer)],
        _ output: inout [ElementaryOutput]
    ) {
        guard !found.isEmpty else { return }
        var changed = sets
        changed.replace(by: found)
        guard changed != sets else { return }
        sets = changed
        guard let parameters = sets.parameters(syntax), parameters != self.parameters else { return }
        self.parameters = parameters
        output.append(.parameters(parameters))
    }
}

extension VideoSyntax.Role {
    /// Whether a picture that has slices already ends before this unit.
    fileprivate var beginsPicture: Bool {
        switch self {
        case .slice(let isFirst, _): isFirst
        case .parameterSet, .prefix, .delimiter: true
        case .filler, .other: false
        }
    }
}
