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
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificatePath)
            let key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
            return .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
        } catch {
            throw refusal(error)
        }
    }

    /// Also checks that the key fits the certificate.
    package func serverContext() throws(SettingsError) -> NIOSSLContext {
        let configuration = try serverConfiguration()
        do { return try NIOSSLContext(configuration: configuration) } catch { throw refusal(error) }
    }

    private func refusal(_ error: any Error) -> SettingsError {
        .conflict(
            setting: "--tls-cert",
            reason: "\(certificatePath) and \(keyPath) are no usable certificate and key: \(error)"
        )
    }
}
