import Glibc
import Synchronization

private let isInterrupted = Atomic(false)

/// Notices SIGINT and SIGTERM instead of dying of them, so that streams can be unpublished; a second signal ends the process.
struct Interruption {
    init() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                isInterrupted.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }

    var happened: Bool { isInterrupted.load(ordering: .relaxed) }
}
