import ClusterModel
import HLS
import NIOCore
import NIOHTTP1

/// How playlists, descriptions and objects are answered.
extension MediaResponse {
    static func playlist(_ body: ByteBuffer, maxAge: Int) -> MediaResponse {
        MediaResponse(
            status: .ok,
            headers: ["content-type": "application/vnd.apple.mpegurl", "cache-control": "public, max-age=\(maxAge)"],
            body: [body]
        )
    }

    /// It tells the time of day: no cache may keep it.
    static func presentation(_ body: ByteBuffer) -> MediaResponse {
        MediaResponse(
            status: .ok,
            headers: ["content-type": "application/dash+xml", "cache-control": "no-cache"],
            body: [body]
        )
    }

    static func object(_ pieces: [ByteBuffer], _ name: ObjectName) -> MediaResponse {
        let type =
            switch name.container {
            case .fragmentedMP4: "video/mp4"
            case .transportStream: "video/mp2t"
            }
        return MediaResponse(
            status: .ok,
            headers: ["content-type": type, "cache-control": "public, max-age=31536000, immutable"],
            body: pieces
        )
    }

    /// Under its name, as it will be when it is whole.
    static func growing(_ segment: GrowingSegment, _ name: ObjectName) -> MediaResponse {
        var response = object([], name)
        response.rest = segment
        return response
    }

    static func badRequest(_ detail: String) -> MediaResponse {
        .problem(Problem(.badRequest, status: 400, title: "Bad request", detail: detail))
    }

    static func notFound(_ detail: String) -> MediaResponse {
        .problem(Problem(.notFound, status: 404, title: "Not found", detail: detail))
    }

    static func noDASH(of app: String) -> MediaResponse {
        .notFound("the segments of \(app) are MPEG-TS: set its hlsSegmentType to fmp4, or play HLS")
    }
}
