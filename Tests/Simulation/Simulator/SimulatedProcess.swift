import Timebase

/// One process of the cluster: it can be killed, and stopped and continued (SIGSTOP, SIGCONT).
class SimulatedProcess: @unchecked Sendable {
    let world: World
    let name: String
    private(set) var isDead = false
    private(set) var isPaused = false
    /// What this process's clocks are ahead of the world's.
    var skew = Duration.zero
    private var deferred: [() -> Void] = []
    private var waits: [Int: () -> Void] = [:]
    private var nextWait = 0

    init(world: World, name: String) {
        self.world = world
        self.name = name
    }

    /// Things under way that wait for time or for a peer.
    var waitCount: Int { waits.count }
    var isRunning: Bool { !isDead && !isPaused }

    // MARK: Input

    /// Lets something happen inside the process: now, once it is continued, or never.
    func deliver(_ body: @escaping () -> Void) {
        if isDead { return }
        if isPaused { deferred.append(body) } else { body() }
    }

    func pause() {
        isPaused = true
    }

    func resume() {
        isPaused = false
        let late = deferred
        deferred = []
        for body in late { deliver(body) }
    }

    /// From here on nothing comes in or goes out. What still waits inside is woken with a failure, so that it ends.
    func kill() {
        guard !isDead else { return }
        isDead = true
        isPaused = false
        deferred = []
        for key in waits.keys.sorted() { waits.removeValue(forKey: key)?() }
    }

    // MARK: Waiting

    /// `abort` is called when the process is killed before `endWait`.
    func beginWait(_ abort: @escaping () -> Void) -> Int {
        nextWait += 1
        waits[nextWait] = abort
        return nextWait
    }

    func endWait(_ wait: Int) { waits[wait] = nil }

    /// A dead process's clock stands far ahead, so that every search inside it gives up.
    var now: MonotonicInstant { world.instant + (isDead ? .seconds(100_000) : skew) }

    /// False when cut short by cancellation or death.
    func sleep(_ duration: Duration) async -> Bool {
        let answer = OneAnswer<Bool>(in: self, failing: false)
        let timer = world.after(duration) { [self] in deliver { answer.give(true) } }
        defer { timer.cancel() }
        return await answer.value
    }
}

/// A value that comes once; the failure when the waiter is cancelled or its process dies first.
final class OneAnswer<Value: Sendable>: @unchecked Sendable {
    private var given: Value?
    private var waiter: UnsafeContinuation<Value, Never>?
    private let process: SimulatedProcess
    private let failure: Value
    private var wait: Int?

    init(in process: SimulatedProcess, failing failure: Value) {
        self.process = process
        self.failure = failure
        if process.isDead {
            given = failure
        } else {
            wait = process.beginWait { [weak self] in self?.give(failure) }
        }
    }

    var isGiven: Bool { given != nil }

    func give(_ value: Value) {
        guard given == nil else { return }
        given = value
        if let wait { process.endWait(wait) }
        waiter?.resume(returning: value)
        waiter = nil
    }

    var value: Value {
        get async {
            await withTaskCancellationHandler {
                await withUnsafeContinuation { continuation in
                    if let given { continuation.resume(returning: given) } else { waiter = continuation }
                }
            } onCancel: {
                give(failure)
            }
        }
    }
}
