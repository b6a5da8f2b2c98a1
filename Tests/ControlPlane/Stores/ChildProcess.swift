import Foundation
import StoreConformance
import Synchronization
import TestSupport

/// A program under a test's command. It is killed and reaped with the value that stands for it.
final class ChildProcess: Sendable {
    private let process: Mutex<Process>
    private let output: Mutex<String>
    let id: Int32

    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = Pipe()
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        id = process.processIdentifier
        self.process = Mutex(process)
        output = Mutex("")
        pipe.read { [weak self] data in
            self?.output.withLock { $0 += String(decoding: data, as: UTF8.self) }
        }
    }

    deinit { kill() }

    var isRunning: Bool { process.withLock { $0.isRunning } }
    var text: String { output.withLock { $0 } }

    func signal(_ number: Int32) { _ = Foundation.kill(id, number) }

    /// SIGSTOP, and waits until all threads stand still: one that runs yet could answer another call.
    func pause() {
        signal(SIGSTOP)
        var news = siginfo_t()
        while waitid(P_PID, id_t(id), &news, WSTOPPED | WNOWAIT) == -1, errno == EINTR {}
    }

    /// SIGKILL, and waits until the process is gone.
    func kill() {
        if isRunning { signal(SIGKILL) }
        _ = wait()
    }

    /// Waits for the end; the exit code, or the signal that ended it.
    func wait() -> Int32 {
        process.withLock { process in
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    func waitForOutput(_ wanted: String) async throws {
        try await eventually("\(wanted) was printed, but: \(text)") {
            guard isRunning || text.contains(wanted) else { throw ChildEnded(text: text) }
            return text.contains(wanted)
        }
    }
}

struct ChildEnded: Error, CustomStringConvertible {
    var text: String
    var description: String { "the program ended and said: \(text)" }
}
