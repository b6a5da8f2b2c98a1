package import NIOCore

/// Who speaks on the WebSocket connections of `/{app}/websocket`.
package protocol WebSocketEndpoint: Sendable {
    /// A connection has been made. Called on its loop, as everything of the session is.
    func open(_ request: WebSocketRequest, _ connection: any WebSocketConnection) -> any WebSocketSession
}

package struct WebSocketRequest: Sendable {
    package var app: String
    package var token: String?
    /// The client's, or whom a trusted proxy named.
    package var remoteAddress: String?
}

/// One connection, as the endpoint sees it. On its loop only.
package protocol WebSocketConnection: AnyObject {
    var eventLoop: any EventLoop { get }
    func send(_ text: String)
    func close()
}

package protocol WebSocketSession: AnyObject {
    func received(_ text: String)
    func closed()
}

package struct WebSocketLimits: Sendable {
    /// A message, put together of its frames: an offer with every codec a browser knows.
    package var messageBytesMax = 256 << 10
    package var framesPerMessageMax = 64
    /// A connection on which nothing came for so long is half open. SDKs ping every 3 s, and we do half as often as this.
    package var idleTimeout = TimeAmount.seconds(60)

    package init() {}
}
