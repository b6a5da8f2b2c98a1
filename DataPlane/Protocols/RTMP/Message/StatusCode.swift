import FLV

/// The codes of `onStatus` and of `connect`'s answer (RTMP 1.0 §7.2, and what servers have added since).
package enum StatusCode: String, Hashable, Sendable {
    case connectSuccess = "NetConnection.Connect.Success"
    /// Enhanced RTMP v2: the client is to connect anew, to the same URL when no `tcUrl` is named.
    case connectReconnectRequest = "NetConnection.Connect.ReconnectRequest"
    case connectRejected = "NetConnection.Connect.Rejected"
    case failed = "NetStream.Failed"
    case playComplete = "NetStream.Play.Complete"
    case playFailed = "NetStream.Play.Failed"
    case playReset = "NetStream.Play.Reset"
    case playStart = "NetStream.Play.Start"
    case playStreamNotFound = "NetStream.Play.StreamNotFound"
    case playUnpublishNotify = "NetStream.Play.UnpublishNotify"
    case publishBadName = "NetStream.Publish.BadName"
    case publishDenied = "NetStream.Publish.Denied"
    case publishStart = "NetStream.Publish.Start"
    case unpublishSuccess = "NetStream.Unpublish.Success"

    var isError: Bool {
        switch self {
        case .connectRejected, .failed, .playFailed, .playStreamNotFound, .publishBadName, .publishDenied: true
        case .connectReconnectRequest, .connectSuccess, .playComplete, .playReset, .playStart, .playUnpublishNotify,
            .publishStart,
            .unpublishSuccess:
            false
        }
    }

    func information(_ description: String) -> AMF0Object {
        [
            "level": isError ? "error" : "status",
            "code": .string(rawValue),
            "description": .string(description),
        ]
    }
}
