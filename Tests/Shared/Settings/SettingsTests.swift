import Settings
import Testing

private enum Role: String, CaseIterable, Sendable { case origin, edge }

private let config = Setting("config", SettingType.path, help: "File.")
private let role = Setting("role", SettingType<Role>.choice(), default: "edge", help: "Role.")
private let port = Setting("rtmp-port", SettingType.port, default: "1935", help: "Port.")
private let timeout = Setting(
    "drain-timeout",
    .duration(.seconds(0) ... .seconds(600)),
    default: "30",
    effect: .live,
    help: "Time."
)
private let urls = Setting(
    "control",
    SettingType.urls(or: ["discover"]),
    default: "http://127.0.0.1:5070",
    help: "URLs."
)
private let verbose = Setting("verbose", SettingType.boolean, default: "false", help: "More.")
private let token = Setting.secret("node-token", .text("TOKEN"), note: "none", help: "Token.")
private let tokenFile = Setting("node-token-file", SettingType.path, help: "Token's file.")

private let program = Program(
    name: "millrace-test",
    summary: "tests settings",
    version: "1.2.3",
    table: SettingsTable([
        .init(
            "All",
            [
                config.declaration, role.declaration, port.declaration, timeout.declaration, urls.declaration,
                verbose.declaration, token.declaration, tokenFile.declaration,
            ]
        )
    ])
)

private func values(
    _ arguments: [String],
    _ environment: [String: String] = [:]
) throws(SettingsError) -> SettingsValues {
    guard case .run(let values) = try program.request(arguments: arguments, environment: environment) else {
        throw .unexpectedArgument("help")
    }
    return values
}

@Suite struct SettingsTests {
    @Test func `a flag beats the environment, that beats the file, that beats the default`() throws {
        let file = try TemporaryFile("rtmp-port: 3\nrole: origin\n")
        let environment = ["MILLRACE_RTMP_PORT": "2", "MILLRACE_CONFIG": file.path]
        #expect(try values(["--rtmp-port", "1"], environment)[port] == 1)
        #expect(try values([], environment)[port] == 2)
        #expect(try values(["--config=" + file.path])[port] == 3)
        #expect(try values([])[port] == 1935)
        #expect(try values([], environment)[role] == .origin)
        #expect(try values([], environment).source(of: "role") == .file(path: file.path, key: "role"))
    }

    @Test(
        arguments: [
            (["--rtmp-port", "70000"], [:], #"rtmp-port: "70000" from flag --rtmp-port is not allowed"#),
            (
                [], ["MILLRACE_ROLE": "middle"],
                #"from environment variable MILLRACE_ROLE is not allowed; allowed is one of"#
            ),
            (["--rtmp-prot", "1"], [:], "--rtmp-prot: no such flag; did you mean --rtmp-port?"),
            (["--colour", "red"], [:], "--colour: no such flag; --help lists all of them"),
            (["--rtmp-port"], [:], "--rtmp-port: has no value; allowed is a port"),
            (["--rtmp-port", "--role", "edge"], [:], "--rtmp-port: has no value"),
            (["--role", "edge", "--role", "edge"], [:], "--role: given more than once"),
            (["start"], [:], #""start": not a flag"#),
            (
                ["--node-token", "abc"], [:],
                "--node-token: a secret may not stand on a command line; use MILLRACE_NODE_TOKEN"
            ),
            (
                ["--config", "/nonexistent/a.yaml"], [:],
                "cannot read /nonexistent/a.yaml, named by flag --config: No such file"
            ),
            (["--drain-timeout", "11m"], [:], #"drain-timeout: "11m" from flag"#),
            (["--control", "ftp://x"], [:], #"control: "ftp://x""#),
        ] as [([String], [String: String], String)]
    )
    func `a wrong setting is one line that says what and where`(
        arguments: [String],
        environment: [String: String],
        words: String
    ) {
        #expect {
            try values(arguments, environment)
        } throws: { error in
            "\(error)".contains(words) && !"\(error)".contains("\n")
        }
    }

    @Test(arguments: [
        ("rtmp-prot: 1\n", "rtmp-prot: no such key in"),
        ("nested:\n  rtmp-port: 1\n", "nested.rtmp-port: no such key in"),
        ("node-token: abc\n", "node-token: a secret may not stand in"),
        ("- just\n- a list\n", "not a YAML mapping"),
        ("rtmp-port: [1, 2]\n", #"rtmp-port: "1,2" from key rtmp-port"#),
    ])
    func `a wrong file is one line that says what and where`(yaml: String, words: String) throws {
        let file = try TemporaryFile(yaml)
        #expect {
            try values(["--config", file.path])
        } throws: { error in
            "\(error)".contains(words) && "\(error)".contains(file.path) && !"\(error)".contains("\n")
        }
    }

    @Test func `a list may be written as YAML list or with commas`() throws {
        let file = try TemporaryFile("control:\n  - http://a:1\n  - https://b\n")
        #expect(try values(["--config", file.path])[urls] == ["http://a:1", "https://b"])
        #expect(try values(["--control", "http://a:1, discover"])[urls] == ["http://a:1", "discover"])
    }

    @Test func `a switch needs no value and takes one`() throws {
        #expect(try values(["--verbose", "--role", "edge"])[verbose])
        #expect(try !values(["--verbose", "false"])[verbose])
        #expect(try !values(["--verbose=no"])[verbose])
    }

    @Test func `a wrong secret is never repeated`() throws {
        let file = try TemporaryFile("one two\n")
        let wrong = try values(["--node-token-file", file.path])
        #expect(throws: SettingsError.self) { try wrong.secret(token, file: tokenFile) }
        let help = try program.request(arguments: ["--help"], environment: ["MILLRACE_NODE_TOKEN": "hush"])
        guard case .show(let text) = help else { throw SettingsError.unexpectedArgument("run") }
        #expect(!text.contains("hush"))
    }

    @Test func `a token comes from the file of a flag first, then from the environment, else from a file`() throws {
        let file = try TemporaryFile("from-file\n", mode: 0o644)
        let closed = try TemporaryFile("closed\n", mode: 0o600)
        let both = try values(["--node-token-file", file.path], ["MILLRACE_NODE_TOKEN": "from-environment"])
        #expect(try both.secret(token, file: tokenFile)?.token == "from-file")
        let variables = ["MILLRACE_NODE_TOKEN": "from-environment", "MILLRACE_NODE_TOKEN_FILE": file.path]
        #expect(try values([], variables).secret(token, file: tokenFile)?.token == "from-environment")
        let open = try values(["--node-token-file", file.path]).secret(token, file: tokenFile)
        #expect(open?.token == "from-file")
        #expect(open?.warning?.contains("mode 644") == true)
        #expect(try values(["--node-token-file", closed.path]).secret(token, file: tokenFile)?.warning == nil)
        #expect(try values([]).secret(token, file: tokenFile) == nil)
    }

    @Test func `help names every setting with default, unit and variable, and version the version`() throws {
        guard case .show(let help) = try program.request(arguments: ["--help"], environment: [:]) else { return }
        for setting in program.table.settings { #expect(help.contains(setting.environmentName)) }
        #expect(help.contains("--rtmp-port PORT") && help.contains("default 1935"))
        #expect(help.contains("default 30 seconds") && help.contains("re-read on SIGHUP"))
        #expect(!help.contains("--node-token "))
        guard case .show(let version) = try program.request(arguments: ["--version"], environment: [:]) else { return }
        #expect(version == "millrace-test 1.2.3\n")
    }

    @Test func `a re-read tells what counts now from what needs a restart`() throws {
        let old = try values([], ["MILLRACE_NODE_TOKEN": "a"])
        let new = try values(["--drain-timeout", "5s", "--rtmp-port", "1"], ["MILLRACE_NODE_TOKEN": "b"])
        let change = SettingsChange(from: old, to: new)
        #expect(change.live.map(\.description) == ["drain-timeout: 30 → 5s"])
        #expect(change.needsRestart.map(\.description) == ["rtmp-port: 1935 → 1", "node-token: (hidden) → (hidden)"])
    }
}
