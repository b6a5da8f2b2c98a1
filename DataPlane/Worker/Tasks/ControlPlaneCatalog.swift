import ClusterModel
import Recorder

/// Tells the control plane of recordings.
struct ControlPlaneCatalog: RecordingCatalog {
    let client: ControlPlaneClient

    func put(_ recording: RecordingResource) async -> RecordingResource? { try? await client.put(recording) }
}
