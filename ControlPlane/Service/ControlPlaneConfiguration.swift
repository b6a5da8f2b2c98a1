/// Everything `millrace-control` is told.
package struct ControlPlaneConfiguration: Sendable {
    package struct TLS: Sendable {
        package var certificatePath: String
        package var keyPath: String

        package init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    package var listenHost = "0.0.0.0"
    package var listenPort = 5070
    package var store = StoreLocation.default
    package var tls: TLS?
    /// From the environment only.
    package var nodeToken: String?
    package var adminToken: String?
    package var nodeTokenFile: String?
    package var adminTokenFile: String?

    package init() {}
}
