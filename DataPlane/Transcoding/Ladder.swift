package import ClusterModel

/// The renditions an app wants beside the source, highest first.
package struct Ladder: Hashable, Sendable {
    package var rungs: [EncoderSetting]

    /// Rungs of one name are one rung.
    package init(_ rungs: [EncoderSetting]) {
        var names: Set<String> = []
        self.rungs = rungs.sorted { ($0.height, $0.videoBitrate) > ($1.height, $1.videoBitrate) }
            .filter { names.insert($0.renditionName).inserted }
    }

    /// What the settings of an app say: its own rungs, else the preset's, else none.
    package init(settings: AppSettings) {
        self.init(settings.ladder)
    }
}
