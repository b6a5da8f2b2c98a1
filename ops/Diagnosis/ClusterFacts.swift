package import ClusterModel

/// What the doctor found out, before it is judged.
package struct ClusterFacts: Sendable {
    /// One port of a node, tried from where the doctor runs.
    package struct PortTrial: Hashable, Sendable {
        package var nodeID: String
        package var listener: String
        package var host: String
        package var port: Int
        package var isOpen: Bool

        package init(nodeID: String, listener: String, host: String, port: Int, isOpen: Bool) {
            self.nodeID = nodeID
            self.listener = listener
            self.host = host
            self.port = port
            self.isOpen = isOpen
        }
    }

    /// Nil when the control plane did not tell.
    package var store: StoreResource?
    package var nodes: [NodeResource]
    package var ports: [PortTrial]
    /// Ids of nodes whose `/readyz` said no.
    package var notReady: Set<String>
    /// Nil when none could be made.
    package var survey: RelaySurvey?

    package init(
        store: StoreResource? = nil,
        nodes: [NodeResource] = [],
        ports: [PortTrial] = [],
        notReady: Set<String> = [],
        survey: RelaySurvey? = nil
    ) {
        self.store = store
        self.nodes = nodes
        self.ports = ports
        self.notReady = notReady
        self.survey = survey
    }
}
