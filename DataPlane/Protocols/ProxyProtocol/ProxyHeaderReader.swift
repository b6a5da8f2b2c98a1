package import struct NIOCore.ByteBuffer

package struct ProxyProtocolLimits: Sendable {
    /// "PROXY protocol" §2.1: the longest line of version 1, with its end.
    package var lineBytesMax = 107
    /// Of version 2 behind its 16 fixed bytes; the addresses take 36 at most, the rest are extensions we skip.
    package var extensionBytesMax = 2048

    package init() {}
}

package enum ProxyProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    case badLine
    case lineTooLong
    case unsupportedVersion(UInt8)
    case badAddress
    case tooLong(bytes: Int)

    /// For metrics.
    package var label: String {
        switch self {
        case .badLine: "proxyLine"
        case .lineTooLong, .tooLong: "proxyTooLong"
        case .unsupportedVersion: "proxyVersion"
        case .badAddress: "proxyAddress"
        }
    }

    package var description: String {
        switch self {
        case .badLine: "the PROXY line cannot be read: the proxy must send version 1 or 2 of the PROXY protocol"
        case .lineTooLong: "the PROXY line has no end where it must have one"
        case .unsupportedVersion(let byte): "PROXY protocol version \(byte >> 4), command \(byte & 15) is not known"
        case .badAddress: "the PROXY header holds no address where it names one"
        case .tooLong(let bytes): "a PROXY header of \(bytes) bytes is longer than allowed"
        }
    }
}

/// Takes the header off that a proxy sends before a connection's own bytes: "The PROXY protocol", versions 1 and 2, of
/// 2020-03-05. To be used only on connections from a proxy that is trusted. One that sends no header is let through.
package struct ProxyHeaderReader: Sendable {
    package enum Step: Hashable, Sendable {
        case needsMore
        /// `client` is the address the header names; nil when there is no header, or it names none (health checks).
        case done(client: String?, rest: ByteBuffer)
    }

    private static let lineStart = Array("PROXY ".utf8)
    /// §2.2.
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    private let limits: ProxyProtocolLimits
    private var held = ByteBuffer()

    package init(limits: ProxyProtocolLimits = ProxyProtocolLimits()) { self.limits = limits }

    /// Not to be called after `done` or an error.
    package mutating func receive(_ bytes: ByteBuffer) throws(ProxyProtocolError) -> Step {
        var bytes = bytes
        held.writeBuffer(&bytes)
        if begins(with: Self.lineStart) { return try readLine() }
        if begins(with: Self.signature) { return try readBinary() }
        return .done(client: nil, rest: held)
    }

    /// As far as there are bytes to tell.
    private func begins(with mark: [UInt8]) -> Bool {
        held.readableBytesView.prefix(mark.count).elementsEqual(
            mark.prefix(held.readableBytes)
        )
    }

    // MARK: Version 1

    private mutating func readLine() throws(ProxyProtocolError) -> Step {
        let view = held.readableBytesView
        guard let end = view.firstIndex(of: 0x0A) else {
            guard view.count < limits.lineBytesMax else { throw .lineTooLong }
            return .needsMore
        }
        let line = view[..<end]
        guard line.count < limits.lineBytesMax else { throw .lineTooLong }
        guard line.last == 0x0D, line.starts(with: Self.lineStart) else { throw .badLine }
        let words = String(decoding: line.dropLast(), as: UTF8.self).split(
            separator: " ",
            omittingEmptySubsequences: false
        )
        held.moveReaderIndex(forwardBy: line.count + 1)
        return .done(client: try Self.client(words), rest: held)
    }

    /// `PROXY TCP4 source destination port port`.
    private static func client(_ words: [Substring]) throws(ProxyProtocolError) -> String? {
        guard words.count >= 2 else { throw .badLine }
        if words[1] == "UNKNOWN" { return nil }
        guard words.count == 6, words[4...].allSatisfy({ UInt16($0) != nil }) else { throw .badLine }
        let isAddress: (Substring) -> Bool
        switch words[1] {
        case "TCP4": isAddress = isIPv4
        case "TCP6": isAddress = isIPv6
        default: throw .badLine
        }
        guard isAddress(words[2]), isAddress(words[3]) else { throw .badAddress }
        return String(words[2])
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { UInt8($0) != nil && $0.first != "+" && ($0.count == 1 || $0.first != "0") }
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        guard text.utf8.count <= 45 else { return false }
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        let groups = halves.flatMap { $0.isEmpty ? [] : $0.split(separator: ":", omittingEmptySubsequences: false) }
        guard halves.count == 1 ? groups.count == 8 : halves.count == 2 && groups.count < 8 else { return false }
        return groups.allSatisfy { (1...4).contains($0.count) && $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
    }

    // MARK: Version 2

    ///     signature 12 | version 4 bits, command 4 bits | family 4 bits, transport 4 bits | length 16 | addresses, extensions
    private mutating func readBinary() throws(ProxyProtocolError) -> Step {
        let start = held.readerIndex
        guard let kind = held.getInteger(at: start + 12, as: UInt8.self) else { return .needsMore }
        guard kind == 0x20 || kind == 0x21 else { throw .unsupportedVersion(kind) }
        guard let family = held.getInteger(at: start + 13, as: UInt8.self),
            let length = held.getInteger(at: start + 14, as: UInt16.self)
        else { return .needsMore }
        guard Int(length) <= limits.extensionBytesMax else { throw .tooLong(bytes: Int(length)) }
        guard held.readableBytes >= 16 + Int(length) else { return .needsMore }
        let body = held.getSlice(at: start + 16, length: Int(length)) ?? ByteBuffer()
        held.moveReaderIndex(forwardBy: 16 + Int(length))
        // LOCAL: the proxy speaks for itself.
        return .done(client: kind == 0x20 ? nil : try Self.client(family, body), rest: held)
    }

    private static func client(_ family: UInt8, _ body: ByteBuffer) throws(ProxyProtocolError) -> String? {
        switch family >> 4 {
        case 1:
            guard body.readableBytes >= 12 else { throw .badAddress }
            return body.readableBytesView.prefix(4).map(String.init).joined(separator: ".")
        case 2:
            guard body.readableBytes >= 36 else { throw .badAddress }
            let octets = Array(body.readableBytesView.prefix(16))
            return stride(from: 0, to: 16, by: 2).map { index in
                String(UInt16(octets[index]) << 8 | UInt16(octets[index + 1]), radix: 16)
            }.joined(separator: ":")
        // Unix sockets and what is not specified have no address that says anything here.
        default: return nil
        }
    }
}
