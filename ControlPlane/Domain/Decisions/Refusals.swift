package import ClusterModel

/// The refusals of the domain, in words for the one who asked.
extension Problem {
    /// `readableAt`: it is finished, and there its last segments are.
    package static func unknownStream(_ stream: StreamID, readableAt lastOwner: NodeAddresses? = nil) -> Problem {
        var problem = Problem(
            .unknownStream,
            status: 404,
            title: "Unknown stream",
            detail: lastOwner == nil
                ? "Nobody publishes '\(stream)' and no finished stream of this name is kept. Publish it first."
                : "'\(stream)' is finished. Read its last segments at its last owner over HTTP."
        )
        problem.lastOwner = lastOwner
        return problem
    }

    package static func unknownNode(_ nodeID: String) -> Problem {
        Problem(
            .notFound,
            status: 404,
            title: "Unknown node",
            detail: "Node '\(nodeID)' is not registered. Register it with PUT /v1/nodes/\(nodeID) first."
        )
    }

    package static func notFound(_ what: String) -> Problem {
        Problem(.notFound, status: 404, title: "Not found", detail: what)
    }

    package static func superseded(_ nodeID: String) -> Problem {
        Problem(
            .superseded,
            status: 409,
            title: "Superseded",
            detail: "A newer process registered as node '\(nodeID)'. End this one, or give it an id of its own."
        )
    }

    package static func streamInUse(_ stream: StreamID, owner: String) -> Problem {
        Problem(
            .streamInUse,
            status: 409,
            title: "Stream in use",
            detail:
                "'\(stream)' is being published through node '\(owner)', which is alive. Stop that publisher first.",
            owner: owner
        )
    }

    /// The second publisher's place is taken too.
    package static func standbyInUse(_ stream: StreamID, owner: String, standby: String) -> Problem {
        Problem(
            .streamInUse,
            status: 409,
            title: "Stream in use",
            detail: "'\(stream)' is being published through node '\(owner)', and a publisher stands by at node "
                + "'\(standby)' already. Stop one of the two first.",
            owner: owner
        )
    }

    package static func conflict(_ detail: String) -> Problem {
        Problem(.conflict, status: 409, title: "Conflict", detail: detail)
    }

    package static func unavailable(_ detail: String) -> Problem {
        Problem(.unavailable, status: 503, title: "Not available now", detail: detail)
    }

    /// The stream is well, but whoever has it lies beyond the asker's links, or below the asker.
    package static func outOfReach(_ stream: StreamID) -> Problem {
        Problem(
            .outOfReach,
            status: 503,
            title: "Out of reach",
            detail: "Only nodes that pull '\(stream)' from this one could reach it: let them go, and ask again."
        )
    }

    package static func unprocessable(_ detail: String) -> Problem {
        Problem(.unprocessable, status: 422, title: "Value not allowed", detail: detail)
    }

    package static func badRequest(_ detail: String) -> Problem {
        Problem(.badRequest, status: 400, title: "Bad request", detail: detail)
    }

    package static let preconditionFailed = Problem(
        .preconditionFailed,
        status: 412,
        title: "Precondition failed",
        detail: "The resource is not as If-Match says. Read it again and decide anew."
    )

    package static func storeUnavailable(_ error: StoreError) -> Problem {
        Problem(
            .storeUnavailable,
            status: 503,
            title: "Store not available",
            detail: "The control plane cannot reach its store now. Try again shortly."
        )
    }
}
