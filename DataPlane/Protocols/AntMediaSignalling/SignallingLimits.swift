/// What one signalling connection may hold.
package struct SignallingLimits: Sendable {
    /// Streams a connection publishes and plays together; a page with a conference's worth of players.
    package var streamsMax = 32
    /// From our `start` to the offer, and from our offer to the answer. Browsers ask for the camera before `publish`.
    package var descriptionTimeout = Duration.seconds(10)

    package init() {}
}
