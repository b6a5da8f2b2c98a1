import DequeModule
import Glibc

/// Runs every job of Swift concurrency in this process on the thread that asks, in the order they were made.
///
/// The runtime lets a process take over its global executor (`swift_task_enqueueGlobal_hook` of the concurrency runtime).
/// With that, actors, tasks and streams of the real code run as one plain loop: the same seed gives the same run. Only a
/// process that does nothing else may do so; and nothing in it may sleep on the system's clock.
enum JobQueue {
    private typealias Original = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

    // Touched by the simulation's thread only: the hook sees to that.
    nonisolated(unsafe) private static var jobs: Deque<UnownedJob> = []
    nonisolated(unsafe) private static var thread = pthread_t()
    private static let executor = Executor()

    /// False when the runtime has no such hook.
    static func takeOver() -> Bool {
        thread = pthread_self()
        guard let symbol = dlsym(dlopen(nil, RTLD_LAZY), "swift_task_enqueueGlobal_hook") else { return false }
        symbol.assumingMemoryBound(to: Hook?.self).pointee = { job, _ in JobQueue.add(job) }
        return true
    }

    /// Runs what there is, and what that makes. Answers whether there was any.
    static func run() -> Bool {
        var hasRun = false
        while let job = jobs.popFirst() {
            hasRun = true
            job.runSynchronously(on: executor.asUnownedTaskExecutor())
        }
        return hasRun
    }

    private static func add(_ job: UnownedJob) {
        precondition(pthread_equal(thread, pthread_self()) != 0, "a job was made outside the simulation's thread")
        jobs.append(job)
    }

    private final class Executor: TaskExecutor {
        func enqueue(_ job: consuming ExecutorJob) { JobQueue.add(UnownedJob(job)) }
    }
}
