import Foundation

/// A script of `Tests/Support`, run by the Python that `ops/install-deps test` has put into `.tools` for it, or by Debian's.
struct PythonProgram {
    /// Below `.tools`; nil is Debian's own.
    let environment: String?
    /// Below `Tests/Support`.
    let script: String
    var needs: [String] = []
    /// Of the namespace it runs in.
    var entrance: [String] = []

    /// What its last line says, which is JSON.
    func result<Result: Decodable>(_ arguments: [String], seconds: Int = 60) async throws -> Result {
        let python =
            environment.map { SourceTree.root.appending(path: ".tools/\($0)/bin/python").path } ?? "/usr/bin/python3"
        for tool in [python] + needs where !FileManager.default.fileExists(atPath: tool) {
            throw NeverHappened(description: "there is no \(tool): run ops/install-deps test")
        }
        let path = SourceTree.root.appending(path: "Tests/Support/\(script)").path
        let answer = try await withoutBlocking { try run(entrance + [python, path] + arguments, seconds: seconds) }
        let line = answer.output.split(separator: "\n").last { $0.hasPrefix("{") }
        guard let line, answer.status == 0 else {
            throw NeverHappened(description: "\(script) \(arguments.joined(separator: " ")): \(answer.output)")
        }
        return try JSONDecoder().decode(Result.self, from: Data(line.utf8))
    }

    /// A browser runs for seconds: another one of the same test goes on meanwhile.
    private func withoutBlocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
    }
}
