/// Values in a row of which most equal their neighbours, as in the sample tables of MP4.
struct RunLengths<Value: Hashable & Sendable>: Hashable, Sendable {
    struct Run: Hashable, Sendable {
        var count: UInt32
        var value: Value
    }

    private(set) var runs: [Run] = []

    mutating func append(_ value: Value) {
        guard let last = runs.last, last.value == value, last.count < .max else {
            return runs.append(Run(count: 1, value: value))
        }
        runs[runs.count - 1].count += 1
    }

    /// Changes the last value of all.
    mutating func replaceLast(_ change: (Value) -> Value) {
        guard let last = runs.popLast() else { return }
        if last.count > 1 { runs.append(Run(count: last.count - 1, value: last.value)) }
        append(change(last.value))
    }
}
