import ControlPlaneService
import Settings
import StoreSelection
import Testing

private func configuration(
    _ arguments: [String],
    _ environment: [String: String] = [:]
) throws -> ControlPlaneConfiguration {
    let program = Program(name: "millrace-control", summary: "", version: "", table: ControlPlaneSettings.table)
    guard case .run(let values) = try program.request(arguments: arguments, environment: environment) else {
        throw SettingsError.unexpectedArgument("--help")
    }
    return try ControlPlaneConfiguration(values)
}

@Suite struct ControlPlaneSettingsTests {
    @Test func `without settings the control plane listens on 5070 over its embedded store`() throws {
        let plain = try configuration([])
        #expect(plain.listen == ListenAddress(host: "0.0.0.0", port: 5070))
        #expect(plain.store == .sqlite(path: "./millrace.db"))
        #expect(plain.tls == nil && plain.nodeToken == nil && plain.adminToken == nil)
    }

    @Test(
        arguments: [
            ("sqlite:/var/lib/millrace.db", StoreAddress.sqlite(path: "/var/lib/millrace.db")),
            ("mongodb://a,b/x?replicaSet=r", .mongodb(uri: "mongodb://a,b/x?replicaSet=r")),
            ("mongodb+srv://a.example.org/x", .mongodb(uri: "mongodb+srv://a.example.org/x")),
            ("db1.example.org", .mongodb(uri: "mongodb://db1.example.org:27017/millrace")),
            ("10.0.0.7", .mongodb(uri: "mongodb://10.0.0.7:27017/millrace")),
            ("[::1]", .mongodb(uri: "mongodb://[::1]:27017/millrace")),
            ("", nil), ("sqlite:", nil), ("postgres://a/b", nil), ("mongodb://", nil), ("./millrace.db", nil),
        ] as [(String, StoreAddress?)]
    )
    func `a store is a file, an address or a bare host`(text: String, store: StoreAddress?) {
        #expect(StoreAddress(text) == store)
    }

    @Test func `short and equal tokens are refused without being shown`() {
        for environment in [
            ["MILLRACE_ADMIN_TOKEN": "short-secret"],
            ["MILLRACE_ADMIN_TOKEN": "same-secret-0123456", "MILLRACE_NODE_TOKEN": "same-secret-0123456"],
        ] {
            #expect {
                try configuration([], environment)
            } throws: { error in
                "\(error)".contains("admin-token") && !"\(error)".contains("-secret")
            }
        }
    }
}
