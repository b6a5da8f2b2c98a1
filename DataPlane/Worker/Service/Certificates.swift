import Daemon
import NIOCore
package import NIOSSL
package import RelayService
package import Settings
import Synchronization

/// The certificates this node shows and those it trusts in its parents: read at the start, and again at SIGHUP.
///
/// Listeners and pulls ask at each handshake, so what was read anew counts from the next connection on.
package final class Certificates: Sendable {
    private struct Material {
        var identity: NIOSSLContextConfigurationOverride?
        var trust: NIOSSLContext
    }

    private let material: Mutex<Material>

    package init(_ configuration: WorkerConfiguration) throws(SettingsError) {
        material = Mutex(try Self.read(configuration))
    }

    /// Keeps what it has when a file cannot be used.
    package func reload(_ configuration: WorkerConfiguration) throws(SettingsError) {
        let read = try Self.read(configuration)
        material.withLock { $0 = read }
    }

    /// For listeners; nil without a certificate.
    package func serverContext() throws -> NIOSSLContext? {
        guard let identity = material.withLock({ $0.identity }), let chain = identity.certificateChain,
            let key = identity.privateKey
        else { return nil }
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.sslContextCallback = { [weak self] _, promise in
            promise.succeed(self?.material.withLock { $0.identity } ?? .noChanges)
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// For pulls from other nodes.
    package func relayTrust(requiresTLS: Bool) -> RelayTrust {
        RelayTrust(requiresTLS: requiresTLS) { self.material.withLock { $0.trust } }
    }

    private static func read(_ configuration: WorkerConfiguration) throws(SettingsError) -> Material {
        Material(
            identity: try configuration.tls.map { files throws(SettingsError) in try identity(files) },
            trust: try trust(configuration.relayCAPath)
        )
    }

    private static func identity(_ files: TLSFiles) throws(SettingsError) -> NIOSSLContextConfigurationOverride {
        // Tells now, and not each client, when the key is not the certificate's.
        _ = try files.serverContext()
        let configuration = try files.serverConfiguration()
        var identity = NIOSSLContextConfigurationOverride()
        identity.certificateChain = configuration.certificateChain
        identity.privateKey = configuration.privateKey
        return identity
    }

    private static func trust(_ path: String?) throws(SettingsError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            if let path { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path)) }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let source = path ?? "the system's store"
            throw .conflict(setting: "--relay-ca", reason: "no usable CA certificates in \(source): \(error)")
        }
    }
}
