package struct PlayOptions: Sendable {
    package enum Transport: String, Codable, CaseIterable, Sendable {
        case rtmp
        case httpFLV = "http-flv"
        case hls
        case whep
    }

    /// WHEP: the cipher to ask for.
    package enum Cipher: String, Codable, CaseIterable, Sendable {
        case aesGCM = "aes-gcm"
        case aesCM = "aes-cm"
    }

    package var transport: Transport
    package var cipher = Cipher.aesGCM
    package var target: PlayTarget
    package var viewers = 1
    /// The measured window.
    package var window = Duration.seconds(10)
    /// From the last viewer's first frame to the window, for bursts from caches to pass.
    package var warmUp = Duration.seconds(3)
    package var connectsPerSecond = 200
    /// How often sockets are read once a viewer plays; zero reads as soon as there is something.
    package var batch = Duration.milliseconds(10)
    /// For the last viewer to get its first frame.
    package var setupTimeout = Duration.seconds(15)
    /// Whose CPU time and memory are read.
    package var serverProcesses: [Int] = []

    package init(transport: Transport, target: PlayTarget) {
        self.transport = transport
        self.target = target
    }
}
