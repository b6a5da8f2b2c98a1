import CSRT
import Glibc
package import NIOCore
package import Observability
import Timebase

/// Calls an SRT listener.
package struct SRTCall: Sendable {
    package var address: SocketAddress
    package var streamID: String
    package var latency: Duration
    package var passphrase: Redacted<String>?
    /// Of the key: 16, 24 or 32; nil leaves it to libsrt.
    package var keyBytes: Int?
    /// How long the listener may take to answer.
    package var timeout = Duration.seconds(3)

    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The listener turned the call away. Codes below 1000 are libsrt's own: a wrong passphrase, no answer, …
        case rejected(SRTRejection, String)
        case failed(String)

        package var description: String {
            switch self {
            case .rejected(let rejection, let words): "the call was rejected with \(rejection.rawValue): \(words)"
            case .failed(let words): words
            }
        }
    }

    package init(
        address: SocketAddress,
        streamID: String,
        latency: Duration,
        passphrase: Redacted<String>? = nil,
        keyBytes: Int? = nil
    ) {
        self.address = address
        self.streamID = streamID
        self.latency = latency
        self.passphrase = passphrase
        self.keyBytes = keyBytes
    }

    /// Waits for the listener's answer: not for event loops.
    package func connect() throws(Failure) -> SRTSocket {
        let number = srt_create_socket()
        guard number != SRT_INVALID_SOCK else { throw .failed(SRTError("srt_create_socket").description) }
        let socket = SRTSocket(number)
        socket.set(SRTO_LATENCY, CInt(clamping: latency.milliseconds))
        socket.set(SRTO_CONNTIMEO, CInt(clamping: timeout.milliseconds))
        if let keyBytes { socket.set(SRTO_PBKEYLEN, CInt(clamping: keyBytes)) }
        do throws(SRTError) {
            try set(SRTO_STREAMID, streamID, of: number)
            if let passphrase { try set(SRTO_PASSPHRASE, passphrase.revealed, of: number) }
        } catch {
            srt_close(number)
            throw .failed(error.description)
        }
        guard address.withSockAddr({ srt_connect(number, $0, CInt($1)) }) >= 0 else {
            let failure = Self.failure(of: number)
            srt_close(number)
            throw failure
        }
        socket.setNonBlocking()
        return socket
    }

    private func set(_ option: SRT_SOCKOPT, _ text: String, of number: SRTSOCKET) throws(SRTError) {
        guard srt_setsockflag(number, option, text, CInt(text.utf8.count)) >= 0 else {
            throw SRTError("srt_setsockflag(\(option.rawValue))")
        }
    }

    private static func failure(of number: SRTSOCKET) -> Failure {
        let words = SRTError("srt_connect").description
        let reason = srt_getrejectreason(number)
        guard reason != 0 else { return .failed(words) }
        let meaning = srt_rejectreason_str(reason).map { String(cString: $0) }
        return .rejected(SRTRejection(rawValue: reason), meaning ?? words)
    }
}
