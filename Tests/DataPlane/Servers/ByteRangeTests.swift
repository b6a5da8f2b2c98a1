import HTTPServer
import Testing

struct ByteRangeTests {
    @Test(arguments: [
        (nil, .whole), ("bytes=0-3", .part(0..<4)), ("bytes=4-", .part(4..<10)), ("bytes=-3", .part(7..<10)),
        ("bytes=-30", .part(0..<10)), ("bytes=8-100", .part(8..<10)), ("Bytes=0-0", .part(0..<1)),
        ("bytes=0-99999999999999999999", .part(0..<10)), ("bytes=10-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
        ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=3-2", .whole), ("bytes=a-b", .whole),
        ("bytes=-", .whole), ("bytes=1", .whole), ("bytes=0-1,4-5", .whole), ("items=0-1", .whole),
    ] as [(String?, ByteRange)])
    func `a range of ten bytes is what RFC 9110 says`(header: String?, range: ByteRange) {
        #expect(ByteRange(header, of: 10) == range)
    }

    @Test func `of nothing there is no last byte`() {
        #expect(ByteRange("bytes=-1", of: 0) == .unsatisfiable)
        #expect(ByteRange(nil, of: 0) == .whole)
    }
}
