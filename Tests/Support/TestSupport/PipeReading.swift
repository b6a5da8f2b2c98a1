package import Foundation

extension Pipe {
    /// Hands on what comes, then an empty piece at the end. A thread reads it: Foundation's `readabilityHandler` has a handle
    /// closed under the dispatch source that still watches it, which now and then ends the whole process.
    package func read(_ take: @escaping @Sendable (Data) -> Void) {
        let handle = fileHandleForReading
        Thread.detachNewThread {
            while true {
                let data = handle.availableData
                take(data)
                if data.isEmpty { return }
            }
        }
    }
}
