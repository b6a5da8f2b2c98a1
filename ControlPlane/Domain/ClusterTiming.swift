/// Every span of time the control plane decides by, in one place so that tests and the simulator can shorten them.
package struct ClusterTiming: Hashable, Sendable {
    /// A node without a heartbeat for longer is dead.
    package var leaseDuration = Duration.seconds(20)
    package var heartbeatInterval = Duration.seconds(5)
    /// A heartbeat later than interval plus this counts as missed: a GC pause or a slow link is no death.
    package var heartbeatSlack = Duration.seconds(1)
    /// Heartbeats that came through another control plane are read from the store this often.
    package var leasesReadInterval = Duration.seconds(5)
    /// How long an owner's watch connection may be closed before that alone shows it is gone.
    package var watchGrace = Duration.milliseconds(300)
    /// An owner that named its hold and then did not for this long has it no more. Two heartbeats: one may come late.
    package var holdSettling = Duration.seconds(10)
    /// An owner whose heartbeats have not named its hold for this long never heard of its grant. Longer than a claim takes
    /// whose first answer is lost.
    package var claimSettling = Duration.seconds(15)
    /// A claim is held open this long while the present owner is being checked.
    package var claimHold = Duration.seconds(5)
    /// A relay port that answered this recently shows that its node is alive.
    package var probeValidity = Duration.seconds(2)
    /// A relay port is asked no more often than this.
    package var probeInterval = Duration.seconds(1)
    /// A relay port that says nothing for this long is mute.
    package var probeTimeout = Duration.seconds(1)
    /// After an outage no lease is judged ended until this long after the store answered again.
    package var recovery = Duration.seconds(20)
    /// Parents that an asker named as failed are not offered to it again for this long.
    package var failedParentMemory = Duration.seconds(10)
    /// A node that just became a secondary origin is trusted to have the stream until its heartbeats can show it.
    package var secondaryStart = Duration.seconds(15)
    /// A node that asked for a stream's route hears of the stream for this long, until its heartbeats list the pull.
    package var routeInterest = Duration.seconds(60)
    /// A stream that is fetched while somebody watches may take this long from its placement to its claim.
    package var sourceStart = Duration.seconds(30)
    /// Who asked for such a stream counts as somebody who watches for this long; players ask again while they wait.
    package var sourceDemand = Duration.seconds(10)
    /// How long a finished stream can still be read.
    package var finishedReadable = Duration.seconds(60)
    /// Added to a resume position that had to be estimated, so that it never lies behind what viewers saw.
    package var resumeMargin = Duration.seconds(1)
    /// How long a node that left is remembered, to date the end of what it owned.
    package var departureMemory = Duration.seconds(600)

    /// A survey asked for again within this is the same survey.
    package var surveyShared = Duration.seconds(2)
    /// Nodes are asked to take part in a survey for this long.
    package var surveyLifetime = Duration.seconds(30)

    package init() {}

    package var heartbeatMissedAfter: Duration { heartbeatInterval + heartbeatSlack }
}

/// What one control plane keeps in memory beside the records.
package struct ClusterLimits: Hashable, Sendable {
    /// Remembered (asker, stream) pairs with failed parents.
    package var failedParentsMax = 20_000
    /// Remembered (stream, asker) pairs with an interest.
    package var interestsMax = 200_000
    /// Remembered (stream, asker) pairs with the route they were told.
    package var givenRoutesMax = 200_000
    /// Nodes that may pull one stream from one node, where neither node nor group says otherwise: more than a tree needs
    /// to stay shallow, fewer than fill a link with copies of one stream.
    package var childrenPerParentDefault = 32
    /// Players that fill a node that does not say how many do: for reckoning with those that were sent to it just now.
    package var viewersDefault = 500
    /// Superseded boots a node record remembers, so that an old process cannot supersede its successor.
    package var formerBootsMax = 8
    /// Decisions that a scaling record remembers.
    package var scalingTrailMax = 50
    package var webhooksMax = 100
    /// Half a kilobyte of memory each, in every control plane.
    package var recordingsMax = 200_000

    package init() {}
}
