import Logging
import Observability
import Synchronization
import Testing

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

@Suite struct LogTests {
    @Test func `a text line has time, level, logger, message and sorted metadata`() throws {
        let lines = Lines()
        let log = Log(level: .info, format: .text) { lines.add($0) }
        log.logger("rtmp").info("publish refused", metadata: ["stream": "live/s1", "reason": "in use"])
        let line = try #require(lines.all.first)
        #expect(line.hasPrefix("time=2"))
        #expect(line.hasSuffix("Z level=info logger=rtmp msg=\"publish refused\" reason=\"in use\" stream=live/s1\n"))
    }

    @Test func `a line stays one line whatever a peer sends`() throws {
        let lines = Lines()
        let log = Log(level: .info, format: .json) { lines.add($0) }
        log.logger("rtmp").info("bad name", metadata: ["name": "a\n\u{1B}[31m\"\\"])
        let line = try #require(lines.all.first)
        #expect(line.hasSuffix(#""msg":"bad name","name":"a\n\u001b[31m\"\\"}"# + "\n"))
        #expect(line.hasPrefix(#"{"time":"2"#))
    }

    @Test func `the level can change while the loggers live`() {
        let lines = Lines()
        let log = Log(level: .warning, format: .text) { lines.add($0) }
        let logger = log.logger("a")
        logger.info("first")
        log.level = .debug
        logger.debug("second")
        #expect(lines.all.count == 1)
    }

    @Test func `a repeated line comes once an interval and says how many were kept back`() {
        var lines = RepeatedLines(interval: .seconds(10), keysMax: 2)
        let start = ContinuousClock.now
        #expect(lines.admit("a", at: start) == 0)
        #expect(lines.admit("a", at: start + .seconds(1)) == nil)
        #expect(lines.admit("a", at: start + .seconds(9)) == nil)
        #expect(lines.admit("b", at: start + .seconds(9)) == 0)
        #expect(lines.admit("a", at: start + .seconds(10)) == 2)
        #expect(lines.admit("c", at: start + .seconds(11)) == 0)
        #expect(lines.admit("a", at: start + .seconds(11)) == 0)
    }

    @Test func `a redacted value shows in no text`() {
        struct Holder { let token = Redacted("hush") }
        var dumped = ""
        dump(Holder(), to: &dumped)
        #expect(!dumped.contains("hush"))
        #expect("\(Holder())" == "Holder(token: (hidden))")
        #expect(Redacted("hush").revealed == "hush")
    }
}
