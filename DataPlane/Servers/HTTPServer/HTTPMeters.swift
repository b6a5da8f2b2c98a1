import DASH
package import FanOut
import Metrics
import Observability
import Synchronization

/// What the HTTP connections of a worker count. The counters are made once: a playlist is asked for thousands of times a
/// second.
package final class HTTPMeters: Sendable {
    /// Requests are counted by what they ask for, never by stream.
    enum Route: String, CaseIterable {
        case httpFLV = "http_flv"
        case playlist
        case object
        case signalling
        case recording
        case preview
        case health
        case metrics
        case other

        init(_ route: MediaRoute) {
            self =
                switch route {
                case .httpFLV: .httpFLV
                case .mediaPlaylist, .multivariantPlaylist, .mediaPresentation, .adaptivePresentation: .playlist
                case .object, .segment: .object
                case .webRTC, .webRTCSession, .webSocket: .signalling
                case .recording: .recording
                case .preview: .preview
                case .live, .ready: .health
                case .metrics: .metrics
                case .controlPlane, .nodeSettings, .playerPage, .badName, .unknown: .other
                }
        }
    }

    /// What is sent of media, but HTTP-FLV, which counts for itself.
    package let hls = EgressMeter(protocolName: "hls")
    package let dash = EgressMeter(protocolName: "dash")
    package let recordings = EgressMeter(protocolName: "recording")
    package let previews = EgressMeter(protocolName: "preview")
    /// One row a route, one column a class of status, from 1xx on.
    private let answers: [[Counter]]
    /// Players repeat a refused request every second or faster.
    private let refusalLines = Mutex(RepeatedLines())

    package init() {
        answers = Route.allCases.map { route in
            (1...5).map { MetricNames.httpRequests.counter(route.rawValue, "\($0)xx") }
        }
    }

    package var egress: [EgressMeter] { [hls, dash, recordings, previews] }

    /// Who counts what the answer to a request sends; nil for what is no media.
    func egress(of route: MediaRoute) -> EgressMeter? {
        switch route {
        case .mediaPlaylist, .multivariantPlaylist: hls
        case .mediaPresentation, .adaptivePresentation, .segment: dash
        // Pictures or sound alone.
        case .object(_, let name): name.component == nil ? hls : dash
        case .recording: recordings
        case .preview: previews
        case .live, .ready, .metrics, .httpFLV, .webRTC, .webRTCSession, .webSocket, .playerPage, .nodeSettings,
            .controlPlane, .badName, .unknown:
            nil
        }
    }

    func answered(_ route: Route, status: some BinaryInteger) {
        guard let row = Route.allCases.firstIndex(of: route) else { return }
        answers[row][min(max(Int(status) / 100, 1), 5) - 1].increment()
    }

    /// Counts a refusal. How many of its kind went without a log line since the last, nil when this one is to as well.
    ///
    /// Paths make no kind: a flood of made-up names would write a line each.
    func refused(_ reason: String) -> Int? {
        MetricNames.connectionsRefused.counter("http", reason).increment()
        return refusalLines.withLock { $0.admit(reason, at: .now) }
    }

    func badRequest(_ reason: String) { MetricNames.protocolErrors.counter("http", reason).increment() }
}
