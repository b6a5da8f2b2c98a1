/// How a connection to a server outside of the cluster came to its end.
enum LinkEnd: Error, Hashable, Sendable {
    /// The stream is over, or it was told to stop.
    case finished
    /// The other side said that its stream is over.
    case sourceEnded
    case failed(String)
}
