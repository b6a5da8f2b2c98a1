internal import COpenSSL

import struct NIOCore.ByteBuffer

/// Stands where OpenSSL expects a UDP socket, and keeps datagrams whole in both directions.
final class DatagramBIO {
    var received: [[UInt8]] = []
    var sent: [ByteBuffer] = []

    /// A BIO that holds no reference: this object has to live as long as its SSL, which frees the BIO.
    func makeBIO() -> OpaquePointer? {
        guard let method = Self.method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    private static func of(_ bio: OpaquePointer?) -> DatagramBIO? {
        BIO_get_data(bio).map { Unmanaged<DatagramBIO>.fromOpaque($0).takeUnretainedValue() }
    }

    /// One for the process; OpenSSL only reads it.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams in memory") else {
            return nil
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bytes, count > 0, let self = DatagramBIO.of(bio) else { return -1 }
            self.sent.append(ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: Int(count))))
            return count
        }
        BIO_meth_set_read(method) { bio, bytes, count in
            copenssl_bio_clear_retry(bio)
            guard let bytes, count > 0, let self = DatagramBIO.of(bio) else { return -1 }
            guard !self.received.isEmpty else {
                copenssl_bio_retry_read(bio)
                return -1
            }
            // As from a socket: what does not fit is cut off.
            let datagram = self.received.removeFirst().prefix(Int(count))
            UnsafeMutableRawBufferPointer(start: bytes, count: Int(count)).copyBytes(from: datagram)
            return Int32(datagram.count)
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Of all that OpenSSL asks a datagram socket, only flushing has to succeed.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return method
    }()
}
