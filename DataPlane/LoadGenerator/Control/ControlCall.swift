import Timebase

/// One request on its way, and what its answer is for.
struct ControlCall {
    enum Kind {
        case register
        case heartbeat
        case claim
        case route
        case other
    }

    var kind: Kind
    /// The worker that asks.
    var worker = 0
    /// The stream it asks about.
    var stream = 0
    var bytes: [UInt8]
    /// When it should have been sent: a generator that is late must not make the server look fast.
    var dueAt = MonotonicInstant(nanoseconds: 0)
}

struct ControlAnswer {
    var status: Int
    var body: ArraySlice<UInt8>

    /// The value of the first `"name":NUMBER`.
    func integer(_ name: String) -> Int64? {
        let key = Array("\"\(name)\":".utf8)
        guard let start = body.firstRange(of: key)?.upperBound else { return nil }
        return Int64(String(decoding: body[start...].prefix { (48...57).contains($0) }, as: UTF8.self))
    }
}
