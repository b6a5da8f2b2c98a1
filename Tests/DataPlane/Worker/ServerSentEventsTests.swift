import Testing
import Worker

private struct Vector: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var text: String
    var events: [ServerSentEvent]

    init(_ title: String, _ text: String, _ events: ServerSentEvent...) {
        testDescription = title
        self.text = text
        self.events = events
    }
}

private func event(_ data: String, name: String = "message", id: String = "") -> ServerSentEvent {
    ServerSentEvent(name: name, data: data, id: id)
}

private let vectors = [
    Vector("nothing", ""),
    Vector("one event", "event: node\nid: 7\ndata: {}\n\n", event("{}", name: "node", id: "7")),
    Vector("carriage returns", "id: 1\rdata: a\r\rdata: b\r\r", event("a", id: "1"), event("b", id: "1")),
    Vector("both line ends", "id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", event("a", id: "1"), event("b", id: "1")),
    Vector("mixed line ends", "data: a\r\r\ndata: b\n\r\ndata: c\r\n\n", event("a"), event("b"), event("c")),
    Vector("several data lines", "data: a\ndata\ndata:  b\n\n", event("a\n\n b")),
    Vector("no space behind the colon", "data:a:b\n\n", event("a:b")),
    Vector("comments and unknown fields", ": hello\nretry: 5\nother: 1\ndata: a\n\n", event("a")),
    Vector("an event without data", "event: node\nid: 9\n\ndata: a\n\n", event("a", id: "9")),
    Vector("an empty event name", "event:\ndata: a\n\n", event("a")),
    Vector("an empty id", "id: 4\ndata: a\n\nid\ndata: b\n\n", event("a", id: "4"), event("b")),
    Vector("an id with a NUL", "id: 4\ndata: a\n\nid: 5\0\ndata: b\n\n", event("a", id: "4"), event("b", id: "4")),
    Vector("a byte order mark", "\u{FEFF}data: a\n\n", event("a")),
    Vector("text beyond ASCII", "data: größe 🎞\n\n", event("größe 🎞")),
    Vector("an end within an event", "data: a\n\ndata: b\n", event("a")),
    Vector("an end within a line", "data: a\n\ndata: b", event("a")),
]

struct ServerSentEventsTests {
    @Test(arguments: vectors)
    private func `Events are the same however their bytes are split`(_ vector: Vector) throws {
        let bytes = Array(vector.text.utf8)
        for split in 0...bytes.count {
            var reader = ServerSentEvents(eventBytesMax: 1000)
            let events = try reader.receive(bytes[..<split]) + reader.receive(bytes[split...])
            #expect(events == vector.events, "split at \(split)")
        }
        var reader = ServerSentEvents(eventBytesMax: 1000)
        #expect(try bytes.flatMap { try reader.receive([$0]) } == vector.events, "byte by byte")
    }

    @Test
    func `An event may have as many bytes as allowed and not one more`() throws {
        var reader = ServerSentEvents(eventBytesMax: 10)
        #expect(try reader.receive("data: 1234\n\ndata: 5678\n\n".utf8) == [event("1234"), event("5678")])
        #expect(throws: ServerSentEventsError.eventTooLarge(bytesMax: 10)) { try reader.receive("data: 12345".utf8) }
    }

    @Test
    func `Many short lines count as one event`() {
        var reader = ServerSentEvents(eventBytesMax: 50)
        #expect(throws: ServerSentEventsError.self) {
            try reader.receive(String(repeating: "data: a\n", count: 10).utf8)
        }
    }

    @Test
    func `Comments alone never add up to an event too large`() throws {
        var reader = ServerSentEvents(eventBytesMax: 50)
        #expect(try reader.receive(String(repeating: ": alive\n", count: 100).utf8) == [])
    }
}
