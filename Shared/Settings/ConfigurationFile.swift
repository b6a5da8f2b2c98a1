import Configuration
import FoundationEssentials
import Synchronization

/// The YAML file that `--config` names, held strictly to a table.
struct ConfigurationFile {
    static let bytesMax = 1 << 20

    let path: String
    let snapshot: YAMLSnapshot

    init(path: String, source: SettingSource, table: SettingsTable) throws(SettingsError) {
        self.path = path
        let bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try readFile(path, bytesMax: Self.bytesMax).bytes
        } catch {
            throw .unreadableFile(path: path, source: source, reason: error.description)
        }
        let keys = KeyCollector()
        do {
            snapshot = try YAMLSnapshot(
                data: bytes.span.bytes,
                providerName: path,
                parsingOptions: .init(secretsSpecifier: .dynamic { key, _ in keys.note(key) })
            )
        } catch {
            throw .unreadableFile(path: path, source: source, reason: Self.words(of: error))
        }
        try Self.check(keys.sorted, path, table)
    }

    /// The parser shows the place in a drawing of several lines.
    private static func words(of error: any Error) -> String {
        let said = "\(error)".split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }
        return "not a YAML mapping of settings: " + said.filter { $0 != "^" }.joined(separator: " ")
    }

    private static func check(_ keys: [String], _ path: String, _ table: SettingsTable) throws(SettingsError) {
        for key in keys {
            guard let setting = table.setting(named: key) else {
                throw .unknownKey(key, path: path, nearest: table.nearest(to: key))
            }
            guard !setting.isSecret else {
                throw .secretInFile(key: key, path: path, environment: setting.environmentName)
            }
        }
    }

    /// The text of a scalar, or a list joined by commas.
    func text(of setting: SettingDeclaration) -> String? {
        let key = AbsoluteConfigKey([setting.name])
        if let found = try? snapshot.value(forKey: key, type: .string).value, case .string(let text) = found.content {
            return text
        }
        if let found = try? snapshot.value(forKey: key, type: .stringArray).value,
            case .stringArray(let list) = found.content
        {
            return list.joined(separator: ",")
        }
        return nil
    }
}

/// A parsed file does not list its keys, but its parser asks of every one whether it is secret.
private final class KeyCollector: Sendable {
    private let keys = Mutex<Set<String>>([])

    func note(_ key: String) -> Bool {
        keys.withLock { _ = $0.insert(key) }
        return false
    }

    var sorted: [String] { keys.withLock { $0.sorted() } }
}
