import CSRT
package import NIOCore

/// The first packets to a receiver that is about to get a lot at once: stuffing, until it knows the round trip.
///
/// libsrt asks again for what is lost every half of (round trip + 4 × its variation), and takes 100 ms ± 50 for it until an
/// acknowledgement of its own has been answered: so once in 150 ms, where 200 ms of latency leave time for one such try. Of a
/// group of pictures sent at once over a path that loses 5 %, three of the first eleven players never got a packet.
package struct SRTWarmUp {
    /// A receiver acknowledges every 10 ms what came since.
    package static let step = TimeAmount.milliseconds(10)
    /// Steps in which an acknowledgement came. libsrt (1.5) answers one only if its last answer is more than 10 ms old, whatever
    /// came meanwhile, and counts them all. Between two steps that are not neighbours there is that time, so of five at least
    /// the first, third and fifth are answered, or as many others. More than one, as answers get lost, and as the variation
    /// that is assumed shrinks with each.
    private static let acknowledgedStepsWanted = 5
    /// A receiver farther away than this, or mute, waits no longer for its first picture.
    package static let durationMax = TimeAmount.milliseconds(250)
    /// A null packet (ISO/IEC 13818-1 §2.4.3.3): demultiplexers pass it over.
    private static let stuffing: [UInt8] = [0x47, 0x1F, 0xFF, 0x10] + [UInt8](repeating: 0xFF, count: 184)

    private let deadline: NIODeadline
    private var acknowledgements = 0
    private var acknowledgedSteps = 0

    package init(until deadline: NIODeadline) { self.deadline = deadline }

    /// Sends some more. False once it is time for media; ask again after `step` otherwise.
    package mutating func goesOn(_ socket: SRTSocket, at now: NIODeadline) -> Bool {
        let count = socket.acknowledgementCount
        if count > acknowledgements { acknowledgedSteps += 1 }
        acknowledgements = count
        guard now < deadline, acknowledgedSteps < Self.acknowledgedStepsWanted else { return false }
        return Self.stuffing.withUnsafeBytes { socket.send($0) } == .done
    }
}

extension SRTSocket {
    /// How often the peer has acknowledged what came. What is answered is so before it is counted.
    fileprivate var acknowledgementCount: Int {
        var figures = SRT_TRACEBSTATS()
        return srt_bstats(number, &figures, 0) >= 0 ? Int(figures.pktRecvACKTotal) : 0
    }
}
