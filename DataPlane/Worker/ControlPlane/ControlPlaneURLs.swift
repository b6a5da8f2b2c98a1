import Synchronization

/// The control plane's URLs, and which of them worked last.
final class ControlPlaneURLs: Sendable {
    private let urls: [String]
    private let currentIndex = Mutex(0)

    init(_ urls: [String]) {
        self.urls = urls.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    }

    var count: Int { urls.count }

    /// The one in use; empty when there are none.
    var current: String { inTurn.first ?? "" }

    /// All of them, the one in use first.
    var inTurn: [String] {
        let index = currentIndex.withLock { $0 }
        return Array(urls[index...] + urls[..<index])
    }

    func worked(_ url: String) {
        guard let index = urls.firstIndex(of: url) else { return }
        currentIndex.withLock { $0 = index }
    }

    /// Moves on, unless somebody else already has.
    func failed(_ url: String) {
        guard let index = urls.firstIndex(of: url) else { return }
        currentIndex.withLock { current in
            if current == index { current = (index + 1) % urls.count }
        }
    }
}
