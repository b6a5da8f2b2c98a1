import CLinux
import Glibc
import Timebase

/// Reads the datagrams that wait at a socket, many by one system call, one by one as they were sent (no UDP_GRO). One inbox
/// serves all sockets of a run, so its bytes stay in the cache.
final class DatagramInbox {
    static let datagramsMax = 64
    private static let datagramBytesMax = 2048
    /// Of a control message with one time stamp: its head and a `timespec`.
    private static let controlBytes = 32

    private let bytes: UnsafeMutableRawBufferPointer
    private let control: UnsafeMutableRawBufferPointer
    private let vectors: UnsafeMutablePointer<iovec>
    private let messages: UnsafeMutablePointer<clinux_message>
    /// From the clock of time stamps to ours, when the datagrams were read.
    private var clockDifference = Duration.zero

    init() {
        let count = Self.datagramsMax
        bytes = .allocate(byteCount: count * Self.datagramBytesMax, alignment: 64)
        control = .allocate(byteCount: count * Self.controlBytes, alignment: 16)
        vectors = .allocate(capacity: count)
        messages = .allocate(capacity: count)
        for place in 0..<count {
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[(place * Self.datagramBytesMax)...])
            (vectors + place).initialize(to: iovec(iov_base: room.baseAddress, iov_len: Self.datagramBytesMax))
            var message = clinux_message()
            message.head.msg_iov = vectors + place
            message.head.msg_iovlen = 1
            message.head.msg_control = control.baseAddress.map { $0 + place * Self.controlBytes }
            (messages + place).initialize(to: message)
        }
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
        control.deallocate()
        bytes.deallocate()
    }

    /// How many datagrams came; those of before are gone.
    func receive(on descriptor: CInt) throws(SocketError) -> Int {
        for place in 0..<Self.datagramsMax { messages[place].head.msg_controllen = Self.controlBytes }
        let count = clinux_receive_many(
            descriptor,
            messages,
            CUnsignedInt(Self.datagramsMax),
            CInt(MSG_DONTWAIT),
            nil
        )
        guard count >= 0 else {
            guard errno == EAGAIN || errno == EINTR else { throw SocketError("receive", errno) }
            return 0
        }
        clockDifference = MonotonicClock.now - MonotonicClock.realtime
        return Int(count)
    }

    /// Empty for one that was longer than any of WebRTC.
    subscript(place: Int) -> UnsafeMutableRawBufferPointer {
        let isWhole = messages[place].head.msg_flags & CInt(MSG_TRUNC) == 0
        let start = place * Self.datagramBytesMax
        return UnsafeMutableRawBufferPointer(
            rebasing: bytes[start..<(start + (isWhole ? Int(messages[place].length) : 0))]
        )
    }

    /// When the datagram came to its socket, where it then waited for a reader that serves many.
    func arrival(_ place: Int) -> MonotonicInstant? {
        guard messages[place].head.msg_controllen >= Self.controlBytes else { return nil }
        let start = place * Self.controlBytes
        let stampAt = start + MemoryLayout<cmsghdr>.size
        let head = control.loadUnaligned(fromByteOffset: start, as: cmsghdr.self)
        guard head.cmsg_level == SOL_SOCKET, head.cmsg_type == SO_TIMESTAMPNS else { return nil }
        let stamp = control.loadUnaligned(fromByteOffset: stampAt, as: timespec.self)
        return MonotonicInstant(stamp) + clockDifference
    }
}
