package import Timebase

/// Which node reaches which over the relay port, as the nodes themselves find it. `GET /v1/relay-survey`.
package struct RelaySurvey: Codable, Hashable, Sendable {
    package struct Link: Codable, Hashable, Sendable {
        package var from: String
        package var probe: ProbedLink

        package init(from: String, probe: ProbedLink) {
            self.from = from
            self.probe = probe
        }
    }

    package var id: Int64
    package var startedAt: WallTime
    /// Living nodes that have not told yet what they found.
    package var pending: [String]
    package var links: [Link]

    package init(id: Int64, startedAt: WallTime, pending: [String], links: [Link]) {
        self.id = id
        self.startedAt = startedAt
        self.pending = pending
        self.links = links
    }
}

/// A relay port to be tried.
package struct ProbeTarget: Codable, Hashable, Sendable {
    /// A node tries no more than this in one survey; in a larger cluster each tries those that follow it by name.
    package static let countMax = 64

    package var nodeId: String
    package var host: String
    package var relay: Int
    /// The port takes TLS only; absent for a plain one.
    package var relayTLS: Bool?

    package init(nodeId: String, host: String, relay: Int, relayTLS: Bool? = nil) {
        self.nodeId = nodeId
        self.host = host
        self.relay = relay
        self.relayTLS = relayTLS
    }
}

/// What came of trying one relay port.
package struct ProbedLink: Codable, Hashable, Sendable {
    package enum Outcome: String, Codable, CaseIterable, Sendable {
        /// The node answered and takes our tickets.
        case reachable
        /// Nothing listens there.
        case refused
        /// No connection, or no answer, in time.
        case timedOut
        /// It answered, but its tickets are made with another node token.
        case wrongToken
        /// The connection broke, or what answered does not speak the relay protocol.
        case failed
    }

    package var target: ProbeTarget
    package var outcome: Outcome
    /// Until the answer, or until the attempt was given up.
    package var milliseconds: Int
    package var detail: String?

    package init(target: ProbeTarget, outcome: Outcome, milliseconds: Int, detail: String? = nil) {
        self.target = target
        self.outcome = outcome
        self.milliseconds = milliseconds
        self.detail = detail
    }
}

/// A node's part in a survey, told with its heartbeats.
package struct RelayProbeReport: Codable, Hashable, Sendable {
    package var surveyId: Int64
    package var links: [ProbedLink]

    package init(surveyId: Int64, links: [ProbedLink]) {
        self.surveyId = surveyId
        self.links = links
    }
}

/// `GET /v1/store`: the control plane's database, tried just now.
package struct StoreResource: Codable, Hashable, Sendable {
    /// Kind and place, without credentials.
    package var description: String
    package var isReachable: Bool
    package var latencyMilliseconds: Double
    /// The control plane's clock less the store's; nil when the store did not answer.
    package var clockOffsetMilliseconds: Int64?
    /// Why it is not reachable.
    package var fault: String?

    package init(
        description: String,
        isReachable: Bool,
        latencyMilliseconds: Double,
        clockOffsetMilliseconds: Int64? = nil,
        fault: String? = nil
    ) {
        self.description = description
        self.isReachable = isReachable
        self.latencyMilliseconds = latencyMilliseconds
        self.clockOffsetMilliseconds = clockOffsetMilliseconds
        self.fault = fault
    }
}
