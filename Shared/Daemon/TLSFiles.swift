package import NIOSSL
package import Settings

/// The certificate and key of a daemon's TLS listeners.
package struct TLSFiles: Hashable, Sendable {
    package var certificatePath: String
    package var keyPath: String

    package init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }

    /// Nil when neither is set; one without the other is refused.
    package init?(_ values: SettingsValues, certificate: Setting<String>) throws(SettingsError) {
        switch (values.given(certificate), values.given(CommonSettings.tlsKey)) {
        case (let certificatePath?, let keyPath?):
            self.init(certificatePath: certificatePath, keyPath: keyPath)
        case (nil, nil): return nil
        case (_?, nil): throw .conflict(setting: "tls-key", reason: "not given; --tls-cert needs it")
        case (nil, _?): throw .conflict(setting: "tls-cert", reason: "not given; --tls-key needs it")
        }
    }

    /// Reads both files.
    package func serverConfiguration() throws(SettingsError) -> TLSConfiguration {
        let certificates = try Self.read(certificatePath, "--tls-cert")
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificates), !chain.isEmpty else {
            throw .conflict(setting: "--tls-cert", reason: "\(certificatePath) holds no certificate in PEM form")
        }
        let keyBytes = try Self.read(keyPath, "--tls-key")
        guard let key = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else {
            throw .conflict(setting: "--tls-key", reason: "\(keyPath) holds no private key in PEM form")
        }
        return .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
    }

    private static let fileBytesMax = 1 << 20

    private static func read(_ path: String, _ setting: String) throws(SettingsError) -> [UInt8] {
        do throws(FileReadError) {
            return try readFile(path, bytesMax: fileBytesMax).bytes
        } catch { throw .conflict(setting: setting, reason: "\(path): \(error)") }
    }

    /// Also checks that the key fits the certificate.
    package func serverContext() throws(SettingsError) -> NIOSSLContext {
        let configuration = try serverConfiguration()
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw .conflict(
                setting: "--tls-cert",
                reason: "\(certificatePath) does not go with the key in \(keyPath): \(error)"
            )
        }
    }
}
