import EngineModel
import FLV
import NIOCore
import RTMP
import TestSupport
import Timebase

let start = MonotonicInstant(nanoseconds: 0)

func makeServer(limits: RTMPLimits = RTMPLimits()) -> RTMPServerSession {
    var random = SplitMix64(seed: 1)
    return RTMPServerSession(limits: limits, at: start, using: &random)
}

/// The client bytes of a handshake in the unsigned form.
let plainHandshake = [3] + [UInt8](repeating: 0, count: 3072)

/// What clients send, as bytes, in the chunk size they start with.
struct ClientBytes {
    var writer = ChunkWriter()

    var bytes: [UInt8] { plainHandshake + writer.bytes }

    mutating func command(_ name: String, _ transaction: Double, stream: UInt32 = 0, _ arguments: AMF0Value...) {
        var payload = ByteBuffer()
        for value in [.string(name), .number(transaction)] + arguments { payload.writeAMF0(value) }
        writer.message(20, id: 3, stream: stream, Array(payload.readableBytesView))
    }

    mutating func connect(app: String, _ more: AMF0Object = AMF0Object()) {
        var object: AMF0Object = ["app": .string(app)]
        object.properties += more.properties
        command("connect", 1, .object(object))
    }

    static func make(_ write: (inout ClientBytes) -> Void) -> [UInt8] {
        var client = ClientBytes()
        write(&client)
        return client.bytes
    }
}

/// Answers every request at once, so that a whole dialogue can be fed in one piece.
struct AcceptingServer: StreamEngine, ~Copyable {
    typealias Event = RTMPServerSession.Event
    var session = makeServer()
    private let accepting: Bool
    private var pending: [EngineOutput<Event>] = []

    init(accepting: Bool = true) { self.accepting = accepting }

    mutating func receive(_ bytes: ByteBuffer, at now: MonotonicInstant) {
        session.receive(bytes, at: now)
        collect()
    }

    mutating func timeoutReached(at now: MonotonicInstant) {
        session.timeoutReached(at: now)
        collect()
    }

    mutating func nextOutput() -> EngineOutput<Event>? {
        collect()
        return pending.isEmpty ? nil : pending.removeFirst()
    }

    var nextDeadline: MonotonicInstant? { session.nextDeadline }

    private mutating func collect() {
        while let output = session.nextOutput() {
            pending.append(output)
            guard accepting else { continue }
            switch output {
            case .event(.publishRequested(let id, _, _)): session.acceptPublish(id)
            case .event(.playRequested(let id, _, _)): session.acceptPlay(id)
            case .event, .transmit, .close: continue
            }
        }
    }
}

extension StreamEngine where Self: ~Copyable {
    mutating func drain() -> [EngineOutput<Event>] {
        var outputs: [EngineOutput<Event>] = []
        while let output = nextOutput() { outputs.append(output) }
        return outputs
    }

    mutating func feed(_ bytes: [UInt8], at now: MonotonicInstant = start) -> [EngineOutput<Event>] {
        receive(ByteBuffer(bytes: bytes), at: now)
        return drain()
    }
}

/// Reads what a server sent, behind its handshake, as a client would.
func commands(
    in outputs: [EngineOutput<RTMPServerSession.Event>],
    afterHandshake: Bool = true
) throws -> [String] {
    var bytes = ByteBuffer()
    for case .transmit(let piece) in outputs { bytes.writeImmutableBuffer(piece) }
    if afterHandshake { bytes.moveReaderIndex(forwardBy: 3073) }
    var decoder = ChunkDecoder()
    decoder.append(bytes)
    var words: [String] = []
    while let message = try decoder.nextMessage() { words.append(try describe(message)) }
    return words
}

private func describe(_ message: RawMessage) throws -> String {
    switch MessageType(rawValue: message.type) {
    case .commandAMF0:
        let command = try Command(decoding: message.payload, limits: AMF0Limits())
        let value = command.arguments.first
        let detail = value?.object?["code"]?.string ?? value?.number.map { "\($0)" } ?? ""
        return [command.name, command.transactionID == 0 ? "" : "\(Int(command.transactionID))", detail]
            .filter { !$0.isEmpty }.joined(separator: " ")
    case .userControl: return "\(try UserControl(decoding: message.payload))"
    default: return "type \(message.type)"
    }
}

func events(in outputs: [EngineOutput<RTMPServerSession.Event>]) -> [RTMPServerSession.Event] {
    outputs.compactMap { if case .event(let event) = $0 { event } else { nil } }
}

/// A request without what the client said of itself.
func addresses(in outputs: [EngineOutput<RTMPServerSession.Event>]) -> [StreamAddress] {
    events(in: outputs).compactMap {
        switch $0 {
        case .publishRequested(_, let address, _), .playRequested(_, let address, _): address
        case .media, .publishEnded, .playEnded, .failed: nil
        }
    }
}
