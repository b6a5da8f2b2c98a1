import ClusterModel
import Foundation

extension WatchEvent {
    /// Nil for an event this version does not know.
    init?(_ event: ServerSentEvent) throws {
        let body = Data(event.data.utf8)
        func decode<T: Decodable>(_ type: T.Type) throws -> T { try JSONDecoder().decode(type, from: body) }
        switch event.name {
        case "snapshot": self = .snapshot(try decode(WatchSnapshot.self))
        case "node": self = .node(try decode(NodeChange.self))
        case "lost": self = .lost(try decode(LostHold.self))
        case "stream": self = .stream(try decode(StreamChange.self))
        case "app": self = .app(try decode(AppChange.self))
        case "ping": self = .ping(try decode(Ping.self))
        default: return nil
        }
    }
}
