import Metrics
import Observability
import Settings
import Worker

let program = Program(
    name: "millrace-worker",
    summary: "Millrace's worker: takes publishers, relays streams between nodes and serves players.",
    version: WorkerVersion.current,
    table: WorkerSettings.table
)
let (values, configuration) = program.configurationOrExit { values throws(SettingsError) in
    (values, try WorkerConfiguration(values))
}
let log = Log.bootstrap(level: configuration.logLevel, format: configuration.logFormat)
let metrics = PrometheusMetrics()
MetricsSystem.bootstrap(metrics)

do {
    let worker = Worker(program: program, values: values, configuration: configuration, metrics: metrics, log: log)
    try await worker.run()
    Program.leave()
} catch let error as SettingsError {
    program.exitForWrongSettings(error)
}
