import CSRT
import Glibc
package import NIOCore

/// One SRT connection in live mode, by its number in libsrt. None of its calls waits for the peer.
package struct SRTSocket: Hashable, Sendable {
    /// What one SRT packet carries: seven transport stream packets.
    package static let payloadBytesMax = Int(SRT_LIVE_DEF_PLSIZE)

    package enum Outcome: Hashable, Sendable {
        case done
        /// The buffer is full, or nothing has come: try again later.
        case wouldBlock
        case broken
    }

    let number: SRTSOCKET

    init(_ number: SRTSOCKET) { self.number = number }

    /// Hands at most `payloadBytesMax` bytes to libsrt as one packet.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .done }
        let sent = srt_sendmsg2(number, start.assumingMemoryBound(to: CChar.self), CInt(bytes.count), nil)
        return sent >= 0 ? .done : Self.failure(wouldBlock: csrt_would_block_sending)
    }

    /// Adds one packet that is due to `buffer`.
    package func receive(into buffer: inout ByteBuffer) -> Outcome {
        var outcome = Outcome.done
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(SRT_LIVE_MAX_PLSIZE)) { space in
            guard let start = space.baseAddress else { return 0 }
            let room = CInt(min(space.count, Int(SRT_LIVE_MAX_PLSIZE)))
            let count = srt_recvmsg2(number, start.assumingMemoryBound(to: CChar.self), room, nil)
            if count < 0 { outcome = Self.failure(wouldBlock: csrt_would_block_receiving) }
            return max(0, Int(count))
        }
        return outcome
    }

    /// Says goodbye to the peer. What it has not got yet is lost.
    package func close() { srt_close(number) }

    /// Bytes handed to `send` that the peer has not acknowledged.
    package var unacknowledgedBytes: Int {
        var (blocks, bytes) = (0, 0)
        return srt_getsndbuffer(number, &blocks, &bytes) >= 0 ? bytes : 0
    }

    /// As the caller wrote it.
    package var streamID: String {
        var text = [CChar](repeating: 0, count: SRTStreamID.byteCountMax + 1)
        var length = CInt(text.count)
        guard srt_getsockflag(number, SRTO_STREAMID, &text, &length) >= 0 else { return "" }
        return String(decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// How long the receiver of our packets holds them back, as agreed.
    package var peerLatency: Duration { .milliseconds(integer(SRTO_PEERLATENCY)) }

    /// How long packets of the peer are held back here, as agreed.
    package var receiveLatency: Duration { .milliseconds(integer(SRTO_RCVLATENCY)) }

    package var remoteAddress: SocketAddress? {
        var storage = sockaddr_storage()
        var length = CInt(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { srt_getpeername(number, $0, &length) }
        }
        guard result >= 0 else { return nil }
        return storage.socketAddress
    }

    /// Calls never wait from here on.
    func setNonBlocking() {
        set(SRTO_RCVSYN, 0)
        set(SRTO_SNDSYN, 0)
    }

    func set(_ option: SRT_SOCKOPT, _ value: CInt) {
        var value = value
        srt_setsockflag(number, option, &value, CInt(MemoryLayout<CInt>.size))
    }

    private func integer(_ option: SRT_SOCKOPT) -> Int {
        var value: CInt = 0
        var length = CInt(MemoryLayout<CInt>.size)
        srt_getsockflag(number, option, &value, &length)
        return Int(value)
    }

    private static func failure(wouldBlock: CInt) -> Outcome {
        srt_getlasterror(nil) == wouldBlock ? .wouldBlock : .broken
    }
}

extension sockaddr_storage {
    /// Nil for what is neither IPv4 nor IPv6.
    var socketAddress: SocketAddress? {
        var storage = self
        return withUnsafePointer(to: &storage) { pointer in
            switch CInt(pointer.pointee.ss_family) {
            case AF_INET:
                pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
            case AF_INET6:
                pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
            default: nil
            }
        }
    }
}
