/// One event of a stream (HTML Living Standard §9.2).
package struct ServerSentEvent: Hashable, Sendable {
    /// `message` unless the stream says otherwise.
    package var name: String
    package var data: String
    /// The last id the stream gave, in this event or before it.
    package var id: String

    package init(name: String, data: String, id: String) {
        self.name = name
        self.data = data
        self.id = id
    }
}

package enum ServerSentEventsError: Error, Hashable, Sendable, CustomStringConvertible {
    case eventTooLarge(bytesMax: Int)

    package var description: String {
        switch self {
        case .eventTooLarge(let max): "an event is larger than the \(max) bytes allowed"
        }
    }
}

/// Reads a `text/event-stream` (HTML Living Standard §9.2.5 and §9.2.6) from bytes that come in any pieces. An event
/// cut off by the stream's end is never given out.
package struct ServerSentEvents: Sendable {
    private let eventBytesMax: Int
    private var line: [UInt8] = []
    /// A line feed is the second half of a line end when the byte before it was a carriage return.
    private var endsInCarriageReturn = false
    private var isFirstLine = true
    private var name = ""
    private var data: [String] = []
    /// Of the event's data lines so far.
    private var dataBytes = 0
    private var id = ""

    package init(eventBytesMax: Int) { self.eventBytesMax = eventBytesMax }

    /// The events that these bytes complete.
    package mutating func receive(_ bytes: some Sequence<UInt8>) throws(ServerSentEventsError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let isSecondHalf = endsInCarriageReturn && byte == UInt8(ascii: "\n")
            endsInCarriageReturn = byte == UInt8(ascii: "\r")
            if isSecondHalf { continue }
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
                line.append(byte)
                guard dataBytes + line.count <= eventBytesMax else { throw .eventTooLarge(bytesMax: eventBytesMax) }
                continue
            }
            if let event = endLine() { events.append(event) }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        if line.isEmpty { return endEvent() }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        setField(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        return nil
    }

    private mutating func setField(_ field: String, _ value: String) {
        switch field {
        case "event": name = value
        case "data":
            data.append(value)
            dataBytes += line.count
        case "id" where !value.utf8.contains(0): id = value
        // Comments have no field name; `retry` is for readers without a back-off of their own.
        default: break
        }
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer {
            name = ""
            data = []
            dataBytes = 0
        }
        guard !data.isEmpty else { return nil }
        return ServerSentEvent(name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"), id: id)
    }
}
