package import Foundation
import Synchronization

/// A program under a test's command, its output in a file. It is killed and reaped with the value that stands for it.
package final class Child: Sendable {
    package let name: String
    package let logPath: String
    package let pid: Int32
    private let process: Mutex<Process>

    package init(
        _ name: String,
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        in directory: URL
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let log = directory.appending(path: "\(name)-\(UUID().uuidString.prefix(4)).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let handle = try FileHandle(forWritingTo: log)
        process.standardOutput = handle
        process.standardError = handle
        try withAllSignalsUnblocked { try process.run() }
        self.name = name
        logPath = log.path
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    deinit { kill() }

    package var isRunning: Bool { process.withLock { $0.isRunning } }

    package var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    package func signal(_ number: Int32) { if isRunning { _ = Foundation.kill(pid, number) } }

    /// SIGKILL, and waits until the process is gone.
    package func kill() {
        signal(SIGKILL)
        _ = waitForEnd()
    }

    /// The exit status, or the signal that ended it.
    package func waitForEnd() -> Int32 {
        process.withLock { process in
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    /// For the message of a failed test.
    package var lastLines: String {
        "--- \(name) (\(isRunning ? "running" : "ended")):\n"
            + log.split(separator: "\n").suffix(12).joined(separator: "\n")
    }
}

/// A child inherits the signal mask of the thread that starts it, and the threads tests run on block nearly everything: a
/// publisher would then never see SIGTERM.
private func withAllSignalsUnblocked(_ body: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
}
