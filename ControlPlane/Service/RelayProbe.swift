import NIOCore
import NIOPosix

/// Asks a relay port whether anybody is there: a connection that is accepted in time.
enum RelayProbe {
    static func answers(_ host: String, _ port: Int, within timeout: Duration) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(timeout))
                .connect(host: host, port: port)
                .get()
            try? await channel.close()
            return true
        } catch {
            return false
        }
    }
}
