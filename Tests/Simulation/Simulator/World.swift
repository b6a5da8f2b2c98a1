import TestSupport
import Timebase

/// The one clock, the one source of chance, and the queue of what happens next.
///
/// `@unchecked Sendable`, as everything in this target: the whole simulation runs on one thread (`JobQueue`).
final class World: @unchecked Sendable {
    final class Event: @unchecked Sendable {
        fileprivate let time: Int64
        fileprivate let order: Int
        fileprivate var body: (() -> Void)?

        fileprivate init(time: Int64, order: Int, body: @escaping () -> Void) {
            (self.time, self.order, self.body) = (time, order, body)
        }

        func cancel() { body = nil }
    }

    /// Nanoseconds since the simulation began.
    private(set) var now: Int64 = 0
    var random: SplitMix64
    private(set) var steps = 0
    private var heap: [Event] = []
    private var nextOrder = 0
    /// FNV-1a of every line of the trace: two runs of one seed must agree.
    private(set) var traceHash: UInt64 = 0xCBF2_9CE4_8422_2325
    private let show: ((String) -> Void)?

    init(seed: UInt64, show: ((String) -> Void)?) {
        random = SplitMix64(seed: seed)
        self.show = show
    }

    var pending: Int { heap.count }
    var start: MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
    var instant: MonotonicInstant { MonotonicInstant(nanoseconds: now) }

    func trace(_ line: @autoclosure () -> String) {
        let line = line()
        mix(UInt64(bitPattern: now))
        for byte in line.utf8 { mix(UInt64(byte)) }
        show?("\(now.asSeconds) \(line)")
    }

    private func mix(_ value: UInt64) { traceHash = (traceHash ^ value) &* 0x100_0000_01B3 }

    // MARK: Chance

    func isTrue(oneIn count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    func duration(_ range: ClosedRange<Int>) -> Duration { .milliseconds(Int.random(in: range, using: &random)) }

    func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }

    // MARK: Events

    @discardableResult
    func after(_ delay: Duration, _ body: @escaping () -> Void) -> Event {
        nextOrder += 1
        let event = Event(time: now + max(0, delay.nanoseconds), order: nextOrder, body: body)
        heap.append(event)
        siftUp(heap.count - 1)
        return event
    }

    /// Moves the clock to the next event and lets it happen. False when nothing will ever happen again.
    func step() -> Bool {
        while let event = popFirst() {
            guard let body = event.body else { continue }
            now = event.time
            steps += 1
            body()
            return true
        }
        return false
    }

    /// Nothing will happen any more.
    func forget() { heap = [] }

    private func isBefore(_ first: Event, _ second: Event) -> Bool {
        (first.time, first.order) < (second.time, second.order)
    }

    private func popFirst() -> Event? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        siftDown()
        return first
    }

    private func siftUp(_ start: Int) {
        var child = start
        while child > 0, isBefore(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func siftDown() {
        var parent = 0
        while true {
            let left = parent * 2 + 1
            guard left < heap.count else { return }
            let right = left + 1
            let least = right < heap.count && isBefore(heap[right], heap[left]) ? right : left
            guard isBefore(heap[least], heap[parent]) else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

extension Int64 {
    /// Nanoseconds as `12.345` seconds.
    fileprivate var asSeconds: String {
        let milliseconds = self / 1_000_000
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
