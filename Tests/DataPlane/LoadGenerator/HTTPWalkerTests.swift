import LoadGenerator
import Testing

@Suite struct HTTPWalkerTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var wire: String
        var status: [Int]
        var body: String
        var ends: Int
    }

    static let vectors = [
        Vector(
            testDescription: "two answers with a length on one connection",
            wire: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            status: [200, 404],
            body: "abc",
            ends: 2
        ),
        Vector(
            testDescription: "a chunked body with a trailer",
            wire:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
            status: [200],
            body: "abc0123456789",
            ends: 1
        ),
        Vector(
            testDescription: "a body until the connection closes",
            wire: "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nFLV...",
            status: [200],
            body: "FLV...",
            ends: 0
        ),
    ]

    @Test(arguments: vectors)
    func `answers are the same wherever the bytes were split`(vector: Vector) throws {
        let wire = Array(vector.wire.utf8)
        for split in 0...wire.count {
            var walker = HTTPWalker()
            var (status, body, ends) = ([Int](), [UInt8](), 0)
            for piece in [Array(wire[..<split]), Array(wire[split...])] {
                var position = 0
                while let event = try walker.next(in: piece.span, at: &position) {
                    switch event {
                    case .head(let head): status.append(head.status)
                    case .body(let range): body += piece[range]
                    case .end: ends += 1
                    }
                }
            }
            #expect(status == vector.status, "split at \(split)")
            #expect(String(decoding: body, as: UTF8.self) == vector.body, "split at \(split)")
            #expect(ends == vector.ends, "split at \(split)")
        }
    }

    @Test func `where else to ask stays as it was written`() throws {
        let wire = Array("HTTP/1.1 307 Temporary Redirect\r\nLocation:  http://O1/live/whip/S1?token=Ab\r\n\r\n".utf8)
        var (walker, position) = (HTTPWalker(), 0)
        let head = HTTPWalker.Head(status: 307, location: "http://O1/live/whip/S1?token=Ab")
        #expect(try walker.next(in: wire.span, at: &position) == .head(head))
    }

    @Test(arguments: ["SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
    func `what is not HTTP is named as such`(wire: String) {
        let bytes = Array(wire.utf8)
        #expect(throws: TornStream.self) {
            var walker = HTTPWalker()
            var position = 0
            while try walker.next(in: bytes.span, at: &position) != nil {}
        }
    }
}
