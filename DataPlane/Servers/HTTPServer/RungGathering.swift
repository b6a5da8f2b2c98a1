import DASH
import Synchronization

/// Collects what a description says of each rung. Answers once: when all have said something, or when it is closed.
final class RungGathering: Sendable {
    typealias Answer = @Sendable (_ found: [MediaPresentation.Rendition], _ silent: Set<String>) -> Void

    private struct State {
        var found: [String: MediaPresentation.Rendition] = [:]
        var silent: Set<String>
        var answer: Answer?
    }

    private let rungs: [String]
    private let state: Mutex<State>

    /// - Parameter rungs: in the order in which they will be answered.
    init(_ rungs: [String], _ answer: @escaping Answer) {
        self.rungs = rungs
        state = Mutex(State(silent: Set(rungs), answer: answer))
    }

    /// - Parameter rendition: nil where there is none, which is no reason to wait.
    func put(_ rendition: MediaPresentation.Rendition?, _ rung: String) {
        let isComplete = state.withLock { state in
            state.found[rung] = rendition
            state.silent.remove(rung)
            return state.silent.isEmpty
        }
        if isComplete { close() }
    }

    func close() {
        let (answer, found, silent) = state.withLock { state in
            defer { state.answer = nil }
            return (state.answer, rungs.compactMap { state.found[$0] }, state.silent)
        }
        answer?(found, silent)
    }
}
