import Timebase

/// Who can reach whom, and how fast. A place is a process that outlives its restarts.
final class Network: @unchecked Sendable {
    enum Place: Hashable, Comparable {
        case worker(Int)
        case control(Int)
        case store
    }

    private struct Link: Hashable {
        var first: Place
        var second: Place

        init(_ first: Place, _ second: Place) { (self.first, self.second) = (min(first, second), max(first, second)) }
    }

    /// One message in this many is lost while `isLossy`; as many come twice, and as many come late.
    static let faultyOneIn = 12

    private let world: World
    private var cuts: Set<Link> = []
    var isLossy = false
    private var observers: [Int: () -> Void] = [:]
    private var nextObserver = 0

    init(world: World) { self.world = world }

    var isWhole: Bool { cuts.isEmpty && !isLossy }

    func isCut(_ first: Place, _ second: Place) -> Bool { cuts.contains(Link(first, second)) }

    /// Whether all the links of a place are whole.
    func isWhole(at place: Place) -> Bool { !cuts.contains { $0.first == place || $0.second == place } }

    func cut(_ first: Place, _ second: Place) {
        cuts.insert(Link(first, second))
        tellObservers()
    }

    func mend(_ first: Place, _ second: Place) {
        cuts.remove(Link(first, second))
        tellObservers()
    }

    func mendAll() {
        cuts = []
        isLossy = false
        tellObservers()
    }

    /// The way from one place to the other takes this long.
    var latency: Duration {
        let isLate = isLossy && world.isTrue(oneIn: Self.faultyOneIn)
        return world.duration(isLate ? 300...1500 : 1...15)
    }

    // MARK: Messages

    /// Sends one request or answer: it comes once, or not at all, or, if it `mayRepeat`, twice.
    ///
    /// Over a cut link it is sent again after 1, 2 and 4 s, as TCP does: what was asked long ago may come late.
    func send(
        _ from: Place,
        _ to: Place,
        mayRepeat: Bool = false,
        retry: Duration = .seconds(1),
        _ body: @escaping () -> Void
    ) {
        guard !isCut(from, to) else {
            guard retry <= .seconds(4) else { return }
            world.after(retry) { [self] in send(from, to, mayRepeat: mayRepeat, retry: retry * 2, body) }
            return
        }
        guard !(isLossy && world.isTrue(oneIn: Self.faultyOneIn)) else { return }
        arrive(from, to, body)
        if mayRepeat, isLossy, world.isTrue(oneIn: Self.faultyOneIn) { arrive(from, to, body) }
    }

    private func arrive(_ from: Place, _ to: Place, _ body: @escaping () -> Void) {
        world.after(latency) { [self] in
            if isCut(from, to) { send(from, to, body) } else { body() }
        }
    }

    // MARK: Observers

    /// Calls `body` whenever links were cut or mended.
    func observe(_ body: @escaping () -> Void) -> Int {
        nextObserver += 1
        observers[nextObserver] = body
        return nextObserver
    }

    /// A process was stopped or continued: its connections stall or flow.
    func processesChanged() { tellObservers() }

    func endObserving(_ id: Int) { observers[id] = nil }

    func forget() { observers = [:] }

    private func tellObservers() {
        for id in observers.keys.sorted() { observers[id]?() }
    }
}

/// One direction of a TCP connection: everything comes, in order, and what is sent over a cut link comes after it is mended.
final class Line: @unchecked Sendable {
    private let world: World
    private let network: Network
    private let from: Network.Place
    private let to: Network.Place
    private let receiver: SimulatedProcess
    private var held: [() -> Void] = []
    private var lastArrival: Int64 = 0
    private var observer: Int?

    init(_ world: World, _ network: Network, from: Network.Place, to: Network.Place, receiver: SimulatedProcess) {
        (self.world, self.network, self.from, self.to, self.receiver) = (world, network, from, to, receiver)
    }

    func send(_ body: @escaping () -> Void) {
        if network.isCut(from, to) { hold(body) } else { arrive(body) }
    }

    /// Nothing more will be sent or comes.
    func close() {
        held = []
        if let observer { network.endObserving(observer) }
        observer = nil
    }

    private func arrive(_ body: @escaping () -> Void) {
        let arrival = max(world.now + network.latency.nanoseconds, lastArrival)
        lastArrival = arrival
        world.after(.nanoseconds(arrival - world.now)) { [self] in
            if network.isCut(from, to) { hold(body) } else { receiver.deliver(body) }
        }
    }

    private func hold(_ body: @escaping () -> Void) {
        held.append(body)
        if observer == nil { observer = network.observe { [weak self] in self?.linkChanged() } }
    }

    private func linkChanged() {
        guard !network.isCut(from, to) else { return }
        let late = held
        close()
        for body in late { arrive(body) }
    }
}
