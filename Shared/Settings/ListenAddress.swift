/// Where a listener binds: `0.0.0.0:5070`, `[::]:5070`, `localhost:5070`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package static let allowed = "HOST:PORT, as 0.0.0.0:5070 or [::]:5070, the port from 0 to 65535"

    /// Without brackets.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(digits), port <= 65_535
        else { return nil }
        guard let host = Self.host(text[..<colon]) else { return nil }
        self.init(host: host, port: port)
    }

    private static func host(_ text: Substring) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = String(text.dropFirst().dropLast())
            return IPAddress(inner)?.isIPv6 == true ? inner : nil
        }
        let isName = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) }
        guard isName, !text.isEmpty else { return nil }
        let looksNumeric = text.allSatisfy { $0.isNumber || $0 == "." }
        return looksNumeric && IPAddress(String(text)) == nil ? nil : String(text)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
