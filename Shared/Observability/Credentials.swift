extension StringProtocol {
    /// The text with every `user:password@` after a scheme's `//` hidden: fit for a log, an error or a screen.
    package var withoutCredentials: String {
        var rest = Substring(self)
        var clean = ""
        while let slashes = rest.firstRange(of: "//") {
            clean += rest[..<slashes.upperBound]
            rest = rest[slashes.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" && !$0.isWhitespace }
            // The last one: a password may hold the sign itself.
            guard let sign = authority.lastIndex(of: "@") else { continue }
            clean += "(hidden)"
            rest = rest[sign...]
        }
        return clean + rest
    }
}
