package import ClusterModel

/// What this node last heard of the cluster and must know when it cannot ask: app settings, and where it pulled streams from.
/// Kept in `--state-dir`, so that a worker started while the control plane is away serves viewers of what it knew.
package struct KnownMap: Codable, Hashable, Sendable {
    /// The file stays small, and a flood of streams cannot grow it.
    package static let routesMax = 1000
    package static let appsMax = 1000

    package struct Route: Codable, Hashable, Sendable {
        package var app: String
        package var id: String
        package var epoch: Int64
        package var parent: RouteAnswer.Parent
        package var tier: RouteAnswer.Tier
        /// The stream's own ladder; nil: the app's.
        package var encoderSettings: [EncoderSetting]?
    }

    package private(set) var apps: [String: AppSettings] = [:]
    /// The one used last at the end.
    package private(set) var routes: [Route] = []

    package init() {}

    package mutating func remember(_ settings: AppSettings, of app: String) {
        if apps[app] != nil || apps.count < Self.appsMax { apps[app] = settings }
    }

    package mutating func remember(_ answer: RouteAnswer, to stream: StreamID) {
        forget(stream)
        routes.append(
            Route(
                app: stream.app,
                id: stream.id,
                epoch: answer.epoch,
                parent: answer.parent,
                tier: answer.tier,
                encoderSettings: answer.encoderSettings
            )
        )
        if routes.count > Self.routesMax { routes.removeFirst() }
    }

    package mutating func remember(ladder: [EncoderSetting]?, of stream: StreamID) {
        guard let place = routes.lastIndex(where: { $0.app == stream.app && $0.id == stream.id }) else { return }
        routes[place].encoderSettings = ladder
    }

    package mutating func forget(_ stream: StreamID) { routes.removeAll { $0.app == stream.app && $0.id == stream.id } }

    /// Without a ticket: the node makes its own for a parent it knows.
    package func route(to stream: StreamID) -> RouteAnswer? {
        routes.last { $0.app == stream.app && $0.id == stream.id }.map { route in
            RouteAnswer(
                epoch: route.epoch,
                parent: route.parent,
                tier: route.tier,
                secondaryForGroup: false,
                ticket: "",
                revision: 0,
                encoderSettings: route.encoderSettings
            )
        }
    }
}
