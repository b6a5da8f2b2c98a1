import ArgumentParser
import Diagnosis

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Looks for what is wrong with the cluster and says it in words; exits 1 if something is.",
        discussion: """
            Every node is asked to try the relay ports of the others, and tells its clock. Other ports are tried from the \
            machine this runs on.
            """
    )

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let findings = await Examination(client: try cluster.client()).run()
        try Output.show(findings, json: cluster.json) {
            findings.map(\.words).joined(separator: "\n") + "\n" + Self.summary(findings)
        }
        if findings.contains(where: { $0.severity == .wrong }) { throw ExitCode.failure }
    }

    private static func summary(_ findings: [Finding]) -> String {
        let wrong = findings.count { $0.severity == .wrong }
        let odd = findings.count { $0.severity == .odd }
        return wrong + odd == 0 ? "all is well" : "\(wrong) wrong, \(odd) to look at"
    }
}
