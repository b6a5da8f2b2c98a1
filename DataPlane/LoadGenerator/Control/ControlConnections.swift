import Glibc
import NIOCore
import Timebase

/// Keep-alive connections with at most one call on each. One thread; never blocks.
final class ControlConnections {
    private struct Slot {
        let connection: Connection
        var received: [UInt8] = []
        var call: ControlCall?
    }

    private let poll: EventPoll
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var scratch = [UInt8](repeating: 0, count: 256 * 1024)

    var hasRoom: Bool { !free.isEmpty }
    var underWay: Int { slots.count - free.count }

    init(_ count: Int, to address: SocketAddress) throws(SocketError) {
        poll = try EventPoll()
        for token in 0..<count {
            let connection = try Connection(to: address)
            poll.add(connection.descriptor, token: token, awaitsWrite: false)
            slots.append(Slot(connection: connection))
            free.append(token)
        }
    }

    func send(_ call: ControlCall) throws(SocketError) {
        guard let token = free.popLast() else { throw SocketError("no connection is free", EAGAIN) }
        slots[token].call = call
        try slots[token].connection.enqueue(ByteBuffer(bytes: call.bytes))
        try slots[token].connection.flush()
        if slots[token].connection.owesBytes { watchForWriting(token) }
    }

    /// Waits for answers, at most this long.
    func collect(milliseconds: Int, _ answered: (ControlCall, ControlAnswer) -> Void) throws(SocketError) {
        var ready: [EventPoll.Ready] = []
        _ = poll.wait(milliseconds: milliseconds) { ready.append($0) }
        for event in ready {
            if event.canWrite {
                try slots[event.token].connection.flush()
                if !slots[event.token].connection.owesBytes { stopWatchingForWriting(event.token) }
            }
            try receive(event.token, answered)
        }
    }

    private func watchForWriting(_ token: Int) {
        poll.change(slots[token].connection.descriptor, token: token, awaitsWrite: true)
    }

    private func stopWatchingForWriting(_ token: Int) {
        poll.change(slots[token].connection.descriptor, token: token, awaitsWrite: false)
    }

    private func receive(_ token: Int, _ answered: (ControlCall, ControlAnswer) -> Void) throws(SocketError) {
        switch try slots[token].connection.receive(into: &scratch) {
        case .nothing: return
        case .closed: throw SocketError("the control plane closed a connection", ECONNRESET)
        case .bytes(let count): slots[token].received += scratch[..<count]
        }
        guard let answer = HTTPAnswerReader.answer(in: slots[token].received), let call = slots[token].call else {
            return
        }
        answered(call, answer)
        slots[token].call = nil
        slots[token].received.removeAll(keepingCapacity: true)
        free.append(token)
    }
}

/// The answers of the control plane: a status line, fields with `Content-Length`, a body.
enum HTTPAnswerReader {
    private static let headEnd = Array("\r\n\r\n".utf8)
    private static let lengthName = Array("content-length:".utf8)

    /// Nil while it is not complete.
    static func answer(in bytes: [UInt8]) -> ControlAnswer? {
        guard let head = bytes.firstRange(of: headEnd)?.lowerBound, bytes.count > 12 else { return nil }
        let status = Int(String(decoding: bytes[9..<12], as: UTF8.self)) ?? 0
        let bodyStart = head + headEnd.count
        let length = status == 204 ? 0 : contentLength(in: bytes[..<head]) ?? 0
        guard bytes.count >= bodyStart + length else { return nil }
        return ControlAnswer(status: status, body: bytes[bodyStart..<(bodyStart + length)])
    }

    private static func contentLength(in head: ArraySlice<UInt8>) -> Int? {
        for line in head.split(separator: UInt8(ascii: "\n")) where line.count > lengthName.count {
            let name = line.prefix(lengthName.count).map { $0 | 0x20 }
            guard name.elementsEqual(lengthName.map { $0 | 0x20 }) else { continue }
            let digits = line.dropFirst(lengthName.count).drop { $0 == 32 }.prefix { (48...57).contains($0) }
            return Int(String(decoding: digits, as: UTF8.self))
        }
        return nil
    }
}
