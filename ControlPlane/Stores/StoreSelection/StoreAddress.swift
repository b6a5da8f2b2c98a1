package import Settings

/// The database `--store` names.
package enum StoreAddress: Hashable, Sendable {
    case sqlite(path: String)
    case mongodb(uri: String)

    package init?(_ text: String) {
        let scheme = "sqlite:"
        if !text.hasPrefix(scheme), text.contains(where: \.isWhitespace) { return nil }
        if text.hasPrefix(scheme) {
            let path = String(text.dropFirst(scheme.count))
            guard !path.isEmpty else { return nil }
            self = .sqlite(path: path)
        } else if ["mongodb://", "mongodb+srv://"].contains(where: { text.hasPrefix($0) && text != $0 }) {
            self = .mongodb(uri: text)
        } else {
            // A bare host or address means the standard port and our database.
            guard !text.contains("/"), ListenAddress("\(text):27017") != nil else { return nil }
            self = .mongodb(uri: "mongodb://\(text):27017/millrace")
        }
    }

    package static let settingType = SettingType<StoreAddress>(
        placeholder: "URI",
        allowed: "sqlite:PATH, mongodb://…, mongodb+srv://… or a bare host",
        parse: { StoreAddress($0) }
    )
}
