/// What the MongoDB store waits for and holds, at most.
package struct MongoLimits: Sendable {
    /// How long a server may take to be found, to take a connection or to answer, each; options of the address come first.
    package var answerMillisecondsMax: Int32 = 2000
    /// How often each server is asked whether it is there; the driver takes no less than 500.
    package var serverCheckMilliseconds: Int32 = 1000
    /// Calls at the same time, each with a thread and a connection.
    package var callsMax = 8
    /// The same for heartbeats, which share nothing with other calls.
    package var heartbeatCallsMax = 2
    package var followersMax = 4
    /// Calls that wait for a thread. More are turned away.
    package var waitingCallsMax = 2000
    /// Renewals in one command, so that one command is answered in time by a slow server.
    package var renewalsPerCommandMax = 100
    /// How long a follower waits inside one request; shorter than an answer may take.
    package var followMillisecondsPerRequest: Int64 = 500

    package init() {}
}
