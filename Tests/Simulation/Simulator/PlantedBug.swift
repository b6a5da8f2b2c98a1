/// Mistakes the simulation must find. Each is made at a seam that the real code has anyway: its store, its link to the
/// control plane, its puller, its clients.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// A parent gives its stream to a child that has seen a newer epoch, the route to it says nothing of its age, and the
    /// child does not mind what it was told of newer ones.
    case skipEpochCheck
    /// The lease of a boot that was superseded is renewed as if nothing had happened.
    case acceptLateRenewal
    /// A node is sent to the parent it was sent to first, whatever became of it.
    case routeToDeadParent
    /// The control plane does not hear which parents failed.
    case forgetFailedParents
    /// A new owner gets the epoch of the one before.
    case reuseEpoch
    /// The store writes whatever revision the record has.
    case ignoreRevision
    /// Who lost a stream is not told.
    case hideLoss
    /// A pull is made twice.
    case pullTwice
    /// A viewer that left is not counted out.
    case countForEver
    /// The store's news skip some changes.
    case loseChanges
    /// Nobody checks where a stream has been.
    case ignoreHops
}
