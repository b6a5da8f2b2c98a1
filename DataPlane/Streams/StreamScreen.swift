package import ClusterModel

/// What a node refuses without asking anybody: answered from memory, at once, on any thread.
///
/// For servers that must decide before they may wait. Nil means no more than that the gate is to be asked.
package protocol StreamScreen: Sendable {
    func refusal(toPublish stream: StreamID) -> Refusal?
    func refusal(toPlay stream: StreamID) -> Refusal?
}
