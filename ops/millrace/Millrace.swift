import ArgumentParser

@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Looks after a Millrace cluster.",
        version: "0.1.0",
        subcommands: [
            Nodes.self, Streams.self, Groups.self, Drain.self, Undrain.self, Resolve.self, Doctor.self, Mode.self,
            Bench.self,
        ]
    )
}
