import MediaModel

import struct NIOCore.ByteBuffer

/// Makes frames of an audio stream; looks for the next one where bytes are missing.
struct AudioParser: Sendable {
    private let framing: AudioFraming
    private let limits: TSLimits
    private var bytes = ByteBuffer()
    /// Of the first of `bytes`, counted from the beginning of the elementary stream.
    private var offset = 0
    private var stamps: PendingStamps
    private var parameters: CodecParameters?
    private var isSearching = false

    init(framing: AudioFraming, limits: TSLimits) {
        self.framing = framing
        self.limits = limits
        stamps = PendingStamps(countMax: limits.stampsMax)
    }

    mutating func begin(_ stamps: PESStamps?) {
        if let stamps { self.stamps.add(stamps, at: offset + bytes.readableBytes) }
    }

    mutating func append(_ more: ByteBuffer, into output: inout [ElementaryOutput]) {
        bytes.writeImmutableBuffer(more)
        while bytes.readableBytes > 0 {
            switch framing.frame(at: bytes) {
            case .frame(let frame): take(frame, &output)
            case .none: skipByte(&output)
            case .needsMore:
                guard bytes.readableBytes < limits.audioPendingBytesMax else {
                    skipByte(&output)
                    continue
                }
                return compact()
            }
        }
        compact()
    }

    mutating func lose(_ output: inout [ElementaryOutput]) {
        if bytes.readableBytes > 0 { output.append(.damaged) }
        offset += bytes.readableBytes
        bytes = ByteBuffer()
    }

    private mutating func take(_ frame: AudioFraming.Frame, _ output: inout [ElementaryOutput]) {
        isSearching = false
        if frame.parameters != parameters {
            parameters = frame.parameters
            output.append(.parameters(frame.parameters))
        }
        output.append(
            .unit(
                ElementaryUnit(
                    stamps: stamps.take(upTo: offset),
                    isKeyframe: true,
                    duration: frame.duration,
                    payload: frame.payload
                )
            )
        )
        drop(frame.byteCount)
    }

    private mutating func skipByte(_ output: inout [ElementaryOutput]) {
        if !isSearching { output.append(.damaged) }
        isSearching = true
        drop(1)
    }

    private mutating func drop(_ count: Int) {
        bytes.moveReaderIndex(forwardBy: count)
        offset += count
    }

    /// Frames given out share the bytes before: the rest goes to fresh ones.
    private mutating func compact() {
        var rest = ByteBuffer()
        rest.writeImmutableBuffer(bytes)
        bytes = rest
    }
}
