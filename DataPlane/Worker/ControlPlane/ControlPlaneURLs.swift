import Synchronization

/// The control plane's URLs, and which of them worked last.
package final class ControlPlaneURLs: Sendable {
    private struct State {
        /// Those in the settings first, then what was found on the network.
        var urls: [String]
        var current = 0
    }

    /// Those in the settings, which stay whatever is found.
    private let named: [String]
    private let state: Mutex<State>

    package init(_ named: [String]) {
        self.named = named.map(\.withoutTrailingSlash)
        state = Mutex(State(urls: self.named))
    }

    var count: Int { state.withLock { $0.urls.count } }

    /// The one in use; empty when there are none.
    package var current: String { inTurn.first ?? "" }

    /// All of them, the one in use first.
    package var inTurn: [String] {
        state.withLock { Array($0.urls[$0.current...] + $0.urls[..<$0.current]) }
    }

    func worked(_ url: String) {
        state.withLock { state in
            if let index = state.urls.firstIndex(of: url) { state.current = index }
        }
    }

    /// Moves on, unless somebody else already has.
    func failed(_ url: String) {
        state.withLock { state in
            guard state.urls.firstIndex(of: url) == state.current else { return }
            state.current = (state.current + 1) % state.urls.count
        }
    }

    /// What was found before is forgotten: a control plane that moved does not answer where it was. The one in use stays so.
    package func replaceFound(by found: [String]) {
        let found = found.map(\.withoutTrailingSlash).filter { !named.contains($0) }
        state.withLock { state in
            let inUse = state.urls.indices.contains(state.current) ? state.urls[state.current] : nil
            state.urls = named + found
            state.current = inUse.flatMap { state.urls.firstIndex(of: $0) } ?? 0
        }
    }
}

extension String {
    fileprivate var withoutTrailingSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}
