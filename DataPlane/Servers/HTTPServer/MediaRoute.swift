package import ClusterModel
package import DASH
import Foundation
package import HLS

/// What a request to a worker's HTTP port asks for, read from its path alone.
package enum MediaRoute: Hashable, Sendable {
    case live
    case ready
    case metrics
    case httpFLV(StreamID)
    /// `{id}.m3u8`: the source rendition, or `{id}_{height}p{kbps}kbps.m3u8`: a rung.
    case mediaPlaylist(StreamID)
    /// `{id}_adaptive.m3u8`.
    case multivariantPlaylist(StreamID)
    /// `{id}/{id}.mpd`.
    case mediaPresentation(StreamID)
    /// `{id}/{id}_adaptive.mpd`.
    case adaptivePresentation(StreamID)
    /// `{name}.mp4`: a recording.
    case recording(app: String, name: String)
    /// `/{app}/previews/{id}.jpg`: the newest still picture.
    case preview(StreamID)
    /// A segment, part or initialization section below `/{app}/streams/{id}/`.
    case object(StreamID, ObjectName)
    /// A segment's pictures or sound, as DASH names them.
    case segment(StreamID, TimedSegmentName)
    /// WHIP and WHEP (RFC 9725): where sessions begin.
    case webRTC(StreamID, Signalling.Kind)
    /// One session; `name` is `{nodeId}.{secret}`.
    case webRTCSession(StreamID, Signalling.Kind, name: String)
    /// `/{app}/websocket`: Ant Media's signalling.
    case webSocket(app: String)
    /// `/{app}/play.html?id=`
    case playerPage
    /// Ant Media's calls to change this node's settings.
    case nodeSettings
    /// REST and the dashboard live on the control plane.
    case controlPlane
    case badName(NameError)
    case unknown

    package init(path: Substring) {
        switch path {
        case "/livez": self = .live
        case "/readyz": self = .ready
        case "/metrics": self = .metrics
        case "/": self = .controlPlane
        case "/rest/changeServerSettings", "/rest/v2/server-settings": self = .nodeSettings
        default: self = Self.deeper(path)
        }
    }

    private static func deeper(_ path: Substring) -> MediaRoute {
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard path.first == "/", let app = segments.first else { return .unknown }
        if app == "rest" || (segments.count > 1 && segments[1] == "rest") { return .controlPlane }
        if segments.count >= 3, let kind = Signalling.Kind(rawValue: String(segments[1])) {
            return signalling(app: app, kind, segments.dropFirst(2))
        }
        if segments.count == 2, segments[1] == "websocket" { return ofApp(app, .webSocket(app: String(app))) }
        if segments.count == 2, segments[1] == "play.html" { return ofApp(app, .playerPage) }
        guard segments.count >= 3, ["streams", "previews"].contains(segments[1]) else { return .unknown }
        do throws(NameError) {
            if segments[1] == "previews" {
                guard segments.count == 3, let id = segments[2].withoutSuffix(".jpg") else { return .unknown }
                return .preview(try StreamID(app: String(app), id: id))
            }
            switch segments.count {
            case 3: return try file(app: String(app), name: segments[2])
            case 4:
                let stream = try StreamID(playable: String(app), id: String(segments[2]))
                if segments[3] == "\(stream.id).mpd" { return .mediaPresentation(stream) }
                if segments[3] == "\(stream.id)_adaptive.mpd" { return .adaptivePresentation(stream) }
                return object(of: stream, name: segments[3])
            default: return .unknown
            }
        } catch { return .badName(error) }
    }

    private static func signalling(
        app: Substring,
        _ kind: Signalling.Kind,
        _ names: ArraySlice<Substring>
    ) -> MediaRoute {
        guard names.count <= 2, let id = names.first else { return .unknown }
        do throws(NameError) {
            let stream = try StreamID(app: String(app), id: String(id))
            guard names.count == 2, let name = names.last else { return .webRTC(stream, kind) }
            return .webRTCSession(stream, kind, name: String(name))
        } catch { return .badName(error) }
    }

    private static func ofApp(_ app: Substring, _ route: MediaRoute) -> MediaRoute {
        do throws(NameError) {
            try NameRules.check(String(app), role: .app)
            return route
        } catch { return .badName(error) }
    }

    private static func file(app: String, name: Substring) throws(NameError) -> MediaRoute {
        if let id = name.withoutSuffix(".flv") { return .httpFLV(try StreamID(playable: app, id: id)) }
        if let id = name.withoutSuffix("_adaptive.m3u8") {
            return .multivariantPlaylist(try StreamID(app: app, id: id))
        }
        if let recording = name.withoutSuffix(".mp4") {
            try NameRules.check(app, role: .app)
            try NameRules.check(recording, role: .recording)
            return .recording(app: app, name: recording)
        }
        if let id = name.withoutSuffix(".m3u8") { return .mediaPlaylist(try StreamID(playable: app, id: id)) }
        return .unknown
    }

    /// The name says of which rendition it is.
    private static func object(of stream: StreamID, name: Substring) -> MediaRoute {
        if let segment = TimedSegmentName(name) {
            return .segment(owner(of: segment.rendition, stream), segment)
        }
        guard let object = ObjectName(name) else { return .unknown }
        return .object(owner(of: (object.component?.whole ?? object).rendition, stream), object)
    }

    private static func owner(of rendition: String, _ stream: StreamID) -> StreamID {
        guard rendition != ObjectName.sourceRendition else { return stream }
        let rung = stream.derived(.rung(rendition))
        // What is no rung's name is nobody's object.
        return rung.derivation == .rung(rendition) ? rung : stream
    }
}

/// The part of a request target behind `?`, as far as media URLs use it. Other parameters are ignored.
package struct MediaQuery: Hashable, Sendable {
    package var token: String?
    package var reload: Result<BlockingReload, BlockingReload.Failure>

    package init(_ query: Substring) {
        reload = Result { () throws(BlockingReload.Failure) in try BlockingReload(query: query) }
        var rest = query.utf8
        while !rest.isEmpty {
            let field = rest.prefix { $0 != UInt8(ascii: "&") }
            guard !field.starts(with: "token=".utf8) else {
                token = String(Substring(field.dropFirst(6))).removingPercentEncoding
                return
            }
            rest = rest.dropFirst(field.count + 1)
        }
    }
}

extension Substring {
    fileprivate func withoutSuffix(_ suffix: String) -> String? {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : nil
    }
}
