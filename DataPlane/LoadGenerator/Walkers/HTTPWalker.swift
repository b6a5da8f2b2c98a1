/// Walks HTTP/1.1 answers on one connection: head, then pieces of the body with chunked coding taken off.
package struct HTTPWalker: Sendable {
    package struct Head: Equatable, Sendable {
        package var status = 0
        package var contentLength: Int?
        package var isChunked = false
        package var location: String?

        package init(status: Int = 0, location: String? = nil) {
            self.status = status
            self.location = location
        }
    }

    package enum Piece: Equatable, Sendable {
        case head(Head)
        /// Where in the bytes given the body goes on.
        case body(Range<Int>)
        case end
    }

    private enum Place {
        case head
        case sized(left: Int)
        case untilClose
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailer
        case end
    }

    private static let headBytesMax = 16 << 10

    private var place = Place.head
    private var line: [UInt8] = []
    private var head = Head()
    private var headBytes = 0

    package init() {}

    package mutating func next(in bytes: borrowing Span<UInt8>, at position: inout Int) throws(TornStream) -> Piece? {
        while true {
            switch place {
            case .head:
                guard let text = try nextLine(bytes, &position) else { return nil }
                if let whole = try takeHead(line: text) { return .head(whole) }
            case .sized(let left):
                guard left > 0 else { place = .end; continue }
                guard let piece = take(left, bytes, &position) else { return nil }
                place = .sized(left: left - piece.count)
                return .body(piece)
            case .untilClose: return take(.max, bytes, &position).map(Piece.body)
            case .chunkSize:
                guard let text = try nextLine(bytes, &position) else { return nil }
                guard let size = Int(text.prefix { $0 != ";" && $0 != " " }, radix: 16), size >= 0 else {
                    throw .badHTTP("chunk size '\(text)'")
                }
                place = size == 0 ? .trailer : .chunk(left: size)
            case .chunk(let left):
                guard let piece = take(left, bytes, &position) else { return nil }
                place = piece.count == left ? .chunkEnd : .chunk(left: left - piece.count)
                return .body(piece)
            case .chunkEnd:
                guard let text = try nextLine(bytes, &position) else { return nil }
                guard text.isEmpty else { throw .badHTTP("a chunk that goes on beyond its size") }
                place = .chunkSize
            case .trailer:
                guard let text = try nextLine(bytes, &position) else { return nil }
                if text.isEmpty { place = .end }
            case .end:
                place = .head
                return .end
            }
        }
    }

    private func take(_ count: Int, _ bytes: borrowing Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        let count = min(count, bytes.count - position)
        guard count > 0 else { return nil }
        defer { position += count }
        return position..<position + count
    }

    private mutating func nextLine(_ bytes: borrowing Span<UInt8>, _ position: inout Int) throws(TornStream) -> String?
    {
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte != UInt8(ascii: "\n") else {
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                defer { line.removeAll(keepingCapacity: true) }
                return String(decoding: line, as: UTF8.self)
            }
            line.append(byte)
            guard line.count <= Self.headBytesMax else { throw .badHTTP("a line without end") }
        }
        return nil
    }

    /// The head when `text` was the empty line that ends it.
    private mutating func takeHead(line text: String) throws(TornStream) -> Head? {
        headBytes += text.utf8.count
        guard headBytes <= Self.headBytesMax else { throw .badHTTP("a head without end") }
        if head.status == 0 {
            let words = text.split(separator: " ")
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw .badHTTP("'\(text.prefix(40))' is no status line")
            }
            head.status = status
            return nil
        }
        guard !text.isEmpty else { return finishHead() }
        guard let colon = text.firstIndex(of: ":") else { throw .badHTTP("a header without a colon") }
        let value = text[text.index(after: colon)...].drop { $0 == " " }
        switch text[..<colon].lowercased() {
        case "content-length":
            guard let length = Int(value), length >= 0 else { throw .badHTTP("content-length '\(value)'") }
            head.contentLength = length
        case "transfer-encoding": head.isChunked = value.lowercased().hasSuffix("chunked")
        case "location": head.location = String(value)
        default: break
        }
        return nil
    }

    private mutating func finishHead() -> Head {
        if head.isChunked {
            place = .chunkSize
        } else if let length = head.contentLength {
            place = .sized(left: length)
        } else {
            place = .untilClose
        }
        defer { (head, headBytes) = (Head(), 0) }
        return head
    }
}
