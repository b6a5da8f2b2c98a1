package import struct NIOCore.ByteBuffer

/// A packet of a viewer's stream, on its way.
package struct OutgoingPacket: Hashable, Sendable {
    package var sequence: UInt16
    package var timestamp: UInt32
    package var marker: Bool
    package var payload: ByteBuffer
    /// The number of the packet this one repeats on the RTX stream.
    package var repeats: UInt16?
}

/// Packets of one frame, in a row, that wait to be sent: a view of payloads that are shared with all other viewers, so that
/// a frame costs a viewer one reference.
package struct OutgoingPackets: RandomAccessCollection, Hashable, Sendable {
    let train: PayloadTrain
    /// Of the frame's first packet, or what would be its number were this repeat one of a row.
    private let sequence: UInt16
    package let timestamp: UInt32
    /// Of a single one: the number of the packet that it repeats on the RTX stream.
    let repeats: UInt16?
    package private(set) var startIndex: Int
    package private(set) var endIndex: Int

    /// All of a frame, the first under this number.
    init(_ train: PayloadTrain, sequence: UInt16, timestamp: UInt32) {
        self.train = train
        self.sequence = sequence
        self.timestamp = timestamp
        repeats = nil
        startIndex = 0
        endIndex = train.count
    }

    /// The packet at `place` of `original` again, on the RTX stream under a number of its own where one is given.
    init(repeating place: Int, of original: OutgoingPackets, onRTX number: UInt16?) {
        train = original.train
        timestamp = original.timestamp
        sequence = number.map { $0 &- UInt16(truncatingIfNeeded: place) } ?? original.sequence
        repeats = number == nil ? nil : original.sequence(place)
        startIndex = place
        endIndex = place + 1
    }

    func sequence(_ place: Int) -> UInt16 { sequence &+ UInt16(truncatingIfNeeded: place) }
    /// Where the packet of this number is; nil when it is none of these.
    func place(of number: UInt16) -> Int? {
        let place = Int(number &- sequence)
        return indices.contains(place) ? place : nil
    }

    package subscript(place: Int) -> OutgoingPacket {
        OutgoingPacket(
            sequence: sequence(place),
            timestamp: timestamp,
            marker: place == train.count - 1,
            payload: train.payload(place),
            repeats: repeats
        )
    }

    /// Without header extensions, which are known only when a packet is sent.
    package func bytes(at place: Int) -> Int { headerBytes + train.range(place).count }
    package var bytes: Int { count * headerBytes + train.bytes(startIndex..<endIndex) }
    var payloadBytes: Int { train.bytes(startIndex..<endIndex) }
    private var headerBytes: Int { RTPPacket.fixedHeaderBytes + (repeats == nil ? 0 : 2) }

    func split(behind count: Int) -> (OutgoingPackets, OutgoingPackets) {
        var (first, rest) = (self, self)
        first.endIndex = startIndex + count
        rest.startIndex = startIndex + count
        return (first, rest)
    }
}
