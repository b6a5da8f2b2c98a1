import ControlPlaneService
import Metrics
import Observability
import Settings

let program = Program(
    name: "millrace-control",
    summary: "Millrace's control plane: owns the store, the node groups and the assignment of streams to nodes.",
    version: "0.1.0",
    table: ControlPlaneSettings.table
)
let (values, configuration) = program.configurationOrExit { values throws(SettingsError) in
    (values, try ControlPlaneConfiguration(values))
}
let log = Log.bootstrap(level: configuration.logLevel, format: configuration.logFormat)
let metrics = PrometheusMetrics()
MetricsSystem.bootstrap(metrics)

do {
    let controlPlane = ControlPlane(
        program: program,
        values: values,
        configuration: configuration,
        metrics: metrics,
        log: log
    )
    try await controlPlane.run()
    Program.leave()
} catch let error as SettingsError {
    program.exitForWrongSettings(error)
}
