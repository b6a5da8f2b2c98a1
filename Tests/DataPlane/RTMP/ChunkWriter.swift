import NIOCore

/// Writes chunks as peers do, with every header type and any chunk size, independently of the code under test.
struct ChunkWriter {
    var bytes: [UInt8] = []

    /// A chunk with a header of the given type. `time` is the timestamp for type 0, else the delta; nil for type 3.
    mutating func chunk(
        _ format: UInt8,
        id: UInt32,
        time: UInt32? = nil,
        length: Int = 0,
        type: UInt8 = 0,
        stream: UInt32 = 1,
        extended: UInt32? = nil,
        _ payload: [UInt8]
    ) {
        switch id {
        case ..<64: bytes.append(format << 6 | UInt8(id))
        case ..<320: bytes += [format << 6, UInt8(id - 64)]
        default: bytes += [format << 6 | 1, UInt8((id - 64) & 0xFF), UInt8((id - 64) >> 8)]
        }
        if let time { bytes += bigEndian(extended == nil ? time : 0xFF_FFFF, 3) }
        if format <= 1 { bytes += bigEndian(UInt32(length), 3) + [type] }
        if format == 0 { bytes += bigEndian(stream, 4).reversed() }
        if let extended { bytes += bigEndian(extended, 4) }
        bytes += payload
    }

    /// A whole message in chunks of `chunkSize`: a full header, then type 3.
    mutating func message(
        _ type: UInt8,
        id: UInt32 = 3,
        time: UInt32 = 0,
        stream: UInt32 = 0,
        chunkSize: Int = 128,
        _ payload: [UInt8]
    ) {
        let extended = time >= 0xFF_FFFF ? time : nil
        var rest = payload[...]
        chunk(
            0,
            id: id,
            time: time,
            length: payload.count,
            type: type,
            stream: stream,
            extended: extended,
            Array(rest.prefix(chunkSize))
        )
        rest = rest.dropFirst(chunkSize)
        while !rest.isEmpty {
            chunk(3, id: id, extended: extended, Array(rest.prefix(chunkSize)))
            rest = rest.dropFirst(chunkSize)
        }
    }

    private func bigEndian(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
    }
}
