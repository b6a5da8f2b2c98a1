import SRT

extension FuzzTarget {
    static let srtStreamID = FuzzTarget(
        "srt-stream-id",
        invariant: "any stream ID is read or refused, and what was read is read again from the keyed form"
    ) { bytes throws(FuzzViolation) in
        guard let id = try? SRTStreamID(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
        let mode =
            switch id.mode {
            case .publish: "publish"
            case .request, .undecided: "request"
            }
        let token = id.token.map { ",token=\($0)" } ?? ""
        let keyed = "#!::r=\(id.app)/\(id.name),m=\(mode)\(token)"
        guard keyed.utf8.count <= SRTStreamID.byteCountMax else { return }
        guard let again = try? SRTStreamID(parsing: keyed) else { throw FuzzViolation("\(keyed) is not read") }
        try require((again.app, again.name) == (id.app, id.name), "\(keyed) names another stream")
        try require(again.token == id.token, "\(keyed) has another token")
    }
}
