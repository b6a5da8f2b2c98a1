import ArgumentParser
import Foundation
import HTTPClient
import Observability
import Settings

/// Which cluster, and how to answer.
struct ClusterOptions: ParsableArguments {
    @Option(help: "Address of a control plane. [MILLRACE_CONTROL]")
    var control: String?

    @Option(help: "File that holds the admin token; or set MILLRACE_ADMIN_TOKEN.")
    var adminTokenFile: String?

    @Flag(help: "Answer with JSON.")
    var json = false

    func client() throws -> ControlPlaneClient {
        let environment = ProcessInfo.processInfo.environment
        let text = control ?? environment["MILLRACE_CONTROL"] ?? "http://127.0.0.1:5070"
        guard let first = SettingType.urls().parse(text)?.first, let url = URL(string: first) else {
            throw ValidationError(
                "--control: \"\(text.withoutCredentials)\" is not allowed; allowed is \(SettingType.urls().allowed)"
            )
        }
        return ControlPlaneClient(base: url, token: try token(environment), http: HTTPClient())
    }

    private func token(_ environment: [String: String]) throws -> String? {
        if let token = environment["MILLRACE_ADMIN_TOKEN"], !token.isEmpty, adminTokenFile == nil { return token }
        guard let path = adminTokenFile ?? environment["MILLRACE_ADMIN_TOKEN_FILE"] else { return nil }
        do throws(SettingsError) {
            let flag = SettingSource.flag("--admin-token-file")
            return try TokenFile(path: path, setting: "admin-token-file", source: flag).token
        } catch {
            throw ValidationError(error.description)
        }
    }
}
