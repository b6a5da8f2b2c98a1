package import ClusterModel
import Renditions
import Streams

/// What holds for streams here: their app's settings, with a ladder of their own where they have one.
extension StreamCoordinator {
    package func apply(_ settings: AppSettings, to app: String) async {
        appSettings[app] = settings
        known.remember(settings, of: app)
        if identity.role.takesPublishers { deriver.prepare(for: settings, of: app) }
        for id in holds.keys where id.app == app { tellScreen(of: id) }
        await applySettings { $0.app == app }
    }

    /// Nil: the stream has its app's.
    func learn(ladder: [EncoderSetting]?, of source: StreamID) async {
        guard ladders[source] != ladder else { return }
        ladders[source] = ladder
        known.remember(ladder: ladder, of: source)
        await applySettings { $0.source == source }
    }

    func ladderChanged(to ladder: [EncoderSetting]?, of source: StreamID) async {
        if ladders[source] != ladder, isHere(source) { await learn(ladder: ladder, of: source) }
    }

    /// The app's, with the stream's own ladder.
    func settings(of id: StreamID) -> AppSettings {
        (appSettings[id.app] ?? AppSettings()).with(ladder: ladders[id.source])
    }

    /// The stream itself, or what was made of it.
    func isHere(_ source: StreamID) -> Bool { registry.all.contains { $0.id.source == source } }

    private func applySettings(where isMeant: (StreamID) -> Bool) async {
        for stream in registry.all where isMeant(stream.id) {
            let settings = settings(of: stream.id)
            await stream.loop.run { stream.apply(settings) }
        }
    }
}
