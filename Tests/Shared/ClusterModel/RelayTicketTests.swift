import ClusterModel
import Testing
import Timebase

@Suite struct RelayTicketTests {
    private let key = RelayKey(nodeToken: "a token of the test")
    private let now = WallTime(milliseconds: 1_763_689_000_000)

    private func ticket() throws -> RelayTicket {
        RelayTicket(stream: try StreamID(app: "live", id: "s1"), child: "edge1", expiresAt: now + RelayTicket.lifetime)
    }

    @Test func `a signed ticket is read back, up to the moment it expires`() throws {
        let ticket = try ticket()
        let text = ticket.signed(with: key)
        #expect(try RelayTicket.verify(text, for: ticket.stream, with: key, at: now) == ticket)
        #expect(try RelayTicket.verify(text, for: ticket.stream, with: key, at: ticket.expiresAt) == ticket)
        #expect(throws: RelayTicket.Refusal.expired) {
            try RelayTicket.verify(text, for: ticket.stream, with: key, at: ticket.expiresAt + .milliseconds(1))
        }
    }

    @Test func `a ticket is good for its own stream and under its own key only`() throws {
        let ticket = try ticket()
        let text = ticket.signed(with: key)
        for other in [try StreamID(app: "live", id: "s2"), try StreamID(app: "vod", id: "s1")] {
            #expect(throws: RelayTicket.Refusal.otherStream) {
                try RelayTicket.verify(text, for: other, with: key, at: now)
            }
        }
        #expect(throws: RelayTicket.Refusal.badSignature) {
            try RelayTicket.verify(text, for: ticket.stream, with: RelayKey(nodeToken: "another"), at: now)
        }
    }

    @Test func `no ticket survives the change of any one character`() throws {
        let ticket = try ticket()
        let text = Array(ticket.signed(with: key))
        for index in text.indices {
            var forged = text
            forged[index] = text[index] == "A" ? "B" : "A"
            let changed = String(forged)
            // The last character of a half may carry bits that count for nothing.
            guard (try? RelayTicket.verify(changed, for: ticket.stream, with: key, at: now)) != nil else { continue }
            #expect(index == text.count - 1 || text[index + 1] == ".", "character \(index)")
        }
    }

    @Test(arguments: ["", ".", "a", "a.b.c", "!.!", "é.é", "A.A", "AAAA.", ".AAAA"])
    func `what is no ticket is refused`(text: String) throws {
        let stream = try ticket().stream
        #expect(throws: RelayTicket.Refusal.self) { try RelayTicket.verify(text, for: stream, with: key, at: now) }
    }

    @Test func `bytes of every length survive base64url, which has no padding and no characters of paths`() {
        for count in 0...32 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 251 &+ $0 * 37) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text) == bytes)
            #expect(text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
        }
    }
}
