/// The 48-bit index of a source's packets: rollover counter and sequence number (RFC 3711 §3.3.1).
struct PacketIndex {
    private(set) var highest: UInt64?

    /// The index nearest to the highest known one that ends in `sequence`.
    func estimate(_ sequence: UInt16) -> UInt64 {
        guard let highest else { return UInt64(sequence) }
        let rollover = highest >> 16
        let last = Int(highest & 0xFFFF)
        let difference = Int(sequence) - last
        let guessed =
            if difference > 0x8000, rollover > 0 {
                rollover - 1
            } else if difference < -0x8000 {
                rollover + 1
            } else {
                rollover
            }
        return guessed << 16 | UInt64(sequence)
    }

    mutating func use(_ index: UInt64) { highest = max(highest ?? index, index) }
}

/// Which of the last 128 indices came already (RFC 3711 §3.3.2; 64 is the least a receiver must keep).
struct ReplayWindow {
    private static let size: UInt64 = 128

    private var highest: UInt64?
    private var seen: (low: UInt64, high: UInt64) = (0, 0)

    func admits(_ index: UInt64) -> Bool {
        guard let highest, index <= highest else { return true }
        let age = highest - index
        guard age < Self.size else { return false }
        return age < 64 ? seen.low >> age & 1 == 0 : seen.high >> (age - 64) & 1 == 0
    }

    mutating func accept(_ index: UInt64) {
        guard let last = highest else {
            highest = index
            seen = (1, 0)
            return
        }
        if index > last {
            shift(by: index - last)
            seen.low |= 1
            highest = index
        } else {
            let age = last - index
            if age < 64 { seen.low |= 1 << age } else { seen.high |= 1 << (age - 64) }
        }
    }

    private mutating func shift(by count: UInt64) {
        if count >= Self.size {
            seen = (0, 0)
        } else if count >= 64 {
            seen = (0, seen.low << (count - 64))
        } else {
            seen = (seen.low << count, seen.high << count | seen.low >> (64 - count))
        }
    }
}

/// The state of each source, found by a walk: there are a handful.
struct SourceTable<State> {
    private var entries: [(ssrc: UInt32, state: State)] = []

    var count: Int { entries.count }

    func index(of ssrc: UInt32) -> Int? { entries.firstIndex { $0.ssrc == ssrc } }

    subscript(place: Int) -> State {
        get { entries[place].state }
        set { entries[place].state = newValue }
    }

    mutating func add(_ ssrc: UInt32, _ state: State) { entries.append((ssrc, state)) }
}

extension SourceTable<PacketIndex> {
    /// The index of the packet with this number, which is sent now. One sent again under its old number keeps its old index.
    mutating func use(_ sequence: UInt16, of ssrc: UInt32) -> UInt64 {
        let place = index(of: ssrc) ?? count
        if place == count { add(ssrc, PacketIndex()) }
        let index = self[place].estimate(sequence)
        self[place].use(index)
        return index
    }
}
