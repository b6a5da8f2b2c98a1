/// All settings of one program, in the order `--help` shows them.
package struct SettingsTable: Sendable {
    package let sections: [Section]

    package struct Section: Sendable {
        package let title: String
        package let settings: [SettingDeclaration]

        package init(_ title: String, _ settings: [SettingDeclaration]) {
            self.title = title
            self.settings = settings
        }
    }

    package init(_ sections: [Section]) { self.sections = sections }

    package var settings: [SettingDeclaration] { sections.flatMap(\.settings) }

    package func setting(named name: String) -> SettingDeclaration? { settings.first { $0.name == name } }

    /// The name somebody who wrote `name` most likely meant: at most two letters away.
    package func nearest(to name: String) -> String? {
        let near = settings.filter { !$0.isSecret }.map { (name: $0.name, distance: editDistance($0.name, name)) }
            .min { $0.distance < $1.distance }
        return near.flatMap { $0.distance <= 2 ? $0.name : nil }
    }
}

/// Levenshtein's distance, by rows.
private func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (line, letter) in left.enumerated() {
        var diagonal = row[0]
        row[0] = line + 1
        for column in right.indices {
            let substituted = diagonal + (letter == right[column] ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substituted, diagonal + 1, row[column] + 1)
        }
    }
    return row[right.count]
}
