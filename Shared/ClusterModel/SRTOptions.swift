/// What the URL of an SRT listener outside of the cluster says behind its `?`.
package struct SRTOptions: Hashable, Sendable {
    package var streamID = ""
    /// A secret.
    package var passphrase: String?
    package var latencyMilliseconds: Int?
    /// Of the key; nil leaves it to the library: 16.
    package var keyBytes: Int?

    private static let streamIDBytesMax = 512
    private static let passphraseBytes = 10...79
    private static let latencies = 20...8_000
    private static let keySizes = [16, 24, 32]

    /// Programs give the same option other units and meanings, and a secret that is not applied goes unnoticed: what is not
    /// understood is refused. No value is repeated in a fault, as it may be a secret.
    package init(_ query: Substring) throws(OutsideURL.Fault) {
        var seen: Set<Substring> = []
        for field in query.split(separator: "&") {
            let name = field.prefix { $0 != "=" }
            let value = field[name.endIndex...].dropFirst().removingEscapes
            guard seen.insert(name).inserted else { throw .option("\(name.prefix(40)) stands there twice") }
            try take(name, value)
        }
        if keyBytes != nil, passphrase == nil {
            throw .option("pbkeylen encrypts nothing alone: add passphrase, or leave it out")
        }
    }

    private mutating func take(_ name: Substring, _ value: String) throws(OutsideURL.Fault) {
        switch name {
        case "streamid":
            guard value.utf8.count <= Self.streamIDBytesMax else {
                throw .option("streamid is longer than \(Self.streamIDBytesMax) bytes")
            }
            streamID = value
        case "passphrase":
            guard Self.passphraseBytes.contains(value.utf8.count) else {
                throw .option(
                    "passphrase must have \(Self.passphraseBytes.lowerBound) to \(Self.passphraseBytes.upperBound) bytes"
                )
            }
            passphrase = value
        case "latency":
            guard let number = Int(value), Self.latencies.contains(number) else {
                throw .option(
                    "latency is in milliseconds, \(Self.latencies.lowerBound) to \(Self.latencies.upperBound) "
                        + "(ffmpeg counts it in microseconds)"
                )
            }
            latencyMilliseconds = number
        case "pbkeylen":
            guard let number = Int(value), Self.keySizes.contains(number) else {
                throw .option("pbkeylen must be 16, 24 or 32 bytes")
            }
            keyBytes = number
        case "mode":
            guard value == "caller" else { throw .option("mode can be caller only: this cluster calls the other side") }
        default:
            throw .option(
                "'\(name.prefix(40))' is not known; allowed are streamid, passphrase, latency (milliseconds), "
                    + "pbkeylen (16, 24 or 32) and mode=caller"
            )
        }
    }
}

extension Substring {
    /// `%2C` and the like undone; what is no escape stays (RFC 3986 §2.1).
    fileprivate var removingEscapes: String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
