package import struct NIOCore.ByteBuffer

/// Datagrams for one peer side by side. All have one length, but for a last one that may be shorter: so the kernel cuts
/// them for us (UDP_SEGMENT), and a picture costs one system call.
package struct DatagramRun: Hashable, Sendable {
    package var bytes: ByteBuffer
    package var datagramBytes: Int

    package init(bytes: ByteBuffer, datagramBytes: Int) {
        self.bytes = bytes
        self.datagramBytes = datagramBytes
    }

    package init(_ datagram: ByteBuffer) { self.init(bytes: datagram, datagramBytes: datagram.readableBytes) }

    package var hasMany: Bool { bytes.readableBytes > datagramBytes }

    package var datagrams: [ByteBuffer] {
        var rest = bytes
        var datagrams: [ByteBuffer] = []
        while let datagram = rest.readSlice(length: min(datagramBytes, rest.readableBytes)), datagram.readableBytes > 0
        {
            datagrams.append(datagram)
        }
        return datagrams
    }
}

/// Takes datagrams one after the other and cuts them into runs.
package struct DatagramRunWriter {
    /// What the kernel takes at once (UDP_MAX_SEGMENTS).
    package static let datagramsMax = 64
    /// Below the longest UDP payload.
    package static let bytesMax = 60_000

    private struct Cut {
        var start: Int
        var datagramBytes: Int
        var count = 1
        var isClosed = false
    }

    /// The next datagram is written to the end of it.
    package var bytes = ByteBuffer()
    private var cuts: [Cut] = []
    package private(set) var datagramStart = 0

    package init() {}

    /// What was written since `datagramStart` is a datagram.
    package mutating func endDatagram() {
        let length = bytes.writerIndex - datagramStart
        if let last = cuts.last, !last.isClosed, length <= last.datagramBytes, last.count < Self.datagramsMax,
            bytes.writerIndex - last.start <= Self.bytesMax
        {
            cuts[cuts.count - 1].count += 1
            cuts[cuts.count - 1].isClosed = length < last.datagramBytes
        } else {
            cuts.append(Cut(start: datagramStart, datagramBytes: length))
        }
        datagramStart = bytes.writerIndex
    }

    /// What was written since `datagramStart` is nothing.
    package mutating func discardDatagram() { bytes.moveWriterIndex(to: datagramStart) }

    package func runs() -> [DatagramRun] {
        cuts.indices.compactMap { place in
            let end = place + 1 < cuts.count ? cuts[place + 1].start : datagramStart
            return bytes.getSlice(at: cuts[place].start, length: end - cuts[place].start).map {
                DatagramRun(bytes: $0, datagramBytes: cuts[place].datagramBytes)
            }
        }
    }
}
