package import ClusterModel
package import NIOCore

/// Where servers ask whether they may. One implementation joins admission, ownership and routing (`StreamCoordinator`).
package protocol StreamGate: Sendable {
    /// Asks to own a stream and publish it. May wait for the control plane. `loop` is the publisher's, where a new stream
    /// will live.
    func publish(_ request: PublishRequest, on loop: any EventLoop) async throws(Refusal) -> Publication

    /// Finds a stream to play, here or by a relay pull. Returns once its tracks are known.
    func play(_ request: PlayRequest) async throws(Refusal) -> LiveStream

    /// As `play`, for a child node.
    func relay(_ stream: StreamID, for child: String) async throws(Refusal) -> LiveStream

    /// The node that has the last segments of a stream that `play` does not know because it has just finished.
    func lastOwner(of stream: StreamID) async -> NodeAddresses?
}

extension StreamGate {
    package func lastOwner(of stream: StreamID) async -> NodeAddresses? { nil }

    /// For connections, which live on a loop or a thread: `answer` comes on neither.
    package func publish(
        _ request: PublishRequest,
        on loop: any EventLoop,
        _ answer: @escaping @Sendable (Result<Publication, Refusal>) -> Void
    ) {
        Task {
            do throws(Refusal) {
                answer(.success(try await publish(request, on: loop)))
            } catch { answer(.failure(error)) }
        }
    }

    /// As above.
    package func play(
        _ request: PlayRequest,
        _ answer: @escaping @Sendable (Result<LiveStream, Refusal>) -> Void
    ) {
        Task {
            do throws(Refusal) {
                answer(.success(try await play(request)))
            } catch { answer(.failure(error)) }
        }
    }
}

package struct PublishRequest: Hashable, Sendable {
    package var stream: StreamID
    package var `protocol`: ClientProtocol
    package var remoteAddress: String?
    package var token: String?

    package init(stream: StreamID, protocol: ClientProtocol, remoteAddress: String?, token: String?) {
        self.stream = stream
        self.protocol = `protocol`
        self.remoteAddress = remoteAddress
        self.token = token
    }
}

package struct PlayRequest: Hashable, Sendable {
    package var stream: StreamID
    package var `protocol`: ClientProtocol
    package var remoteAddress: String?
    package var token: String?
    /// It is no new player: HLS and DASH ask anew for every piece.
    package var isOfPresentPlayer = false
    /// It takes H.264 only in slices that fit a packet each.
    package var needsSlices = false

    package init(stream: StreamID, protocol: ClientProtocol, remoteAddress: String?, token: String?) {
        self.stream = stream
        self.protocol = `protocol`
        self.remoteAddress = remoteAddress
        self.token = token
    }
}

/// The protocols clients speak, by the names the API counts them under.
package enum ClientProtocol: String, CaseIterable, Hashable, Sendable {
    case rtmp
    case httpFlv
    case hls
    case dash
    case webrtc
    case srt

    /// Adds `change` to this protocol's count.
    package func count(_ change: Int, in counts: inout ViewerCounts) {
        switch self {
        case .rtmp: counts.rtmp += change
        case .httpFlv: counts.httpFlv += change
        case .hls: counts.hls += change
        case .dash: counts.dash += change
        case .webrtc: counts.webrtc += change
        case .srt: counts.srt += change
        }
    }
}
