package import ClusterModel
package import HTTPServer

extension MediaHTTPService.Readiness {
    /// Not ready is a node only that takes nothing of what its role is for.
    package init(closed: Closed, role: NodeRole) {
        let isOpen = (role.takesPublishers && closed.publish == nil) || (role.takesPlayers && closed.play == nil)
        func words(_ reasons: [String]) -> String { reasons.joined(separator: ", ") }
        switch (closed.publish, closed.play) {
        case (nil, nil): self = .ready
        case (let publish?, nil) where isOpen: self = .readyBut("full for publishers: \(words(publish))")
        case (nil, let play?) where isOpen: self = .readyBut("full for players: \(words(play))")
        default: self = .notReady("full: \(words(closed.reasons))")
        }
    }
}
