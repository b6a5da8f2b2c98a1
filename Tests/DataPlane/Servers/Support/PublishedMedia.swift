import FLV
import MediaFixtures
import MediaModel
import NIOCore
import RTMP
import Timebase

/// A fixture stream as a publisher's encoder would send it.
enum PublishedMedia {
    static func messages(of stream: FixtureStream, seconds: Double) -> [MediaMessage] {
        headers(of: stream) + frames(of: stream, seconds: seconds)
    }

    static func headers(of stream: FixtureStream) -> [MediaMessage] {
        stream.tracks.compactMap { track in
            FLVBodyHeader.sequenceHeader(for: track.codec).map {
                MediaMessage(kind: track.kind, timestamp: 0, payload: $0)
            }
        }
    }

    static func frames(of stream: FixtureStream, seconds: Double) -> [MediaMessage] {
        let tracks = Dictionary(uniqueKeysWithValues: stream.tracks.map { ($0.id, $0) })
        return stream.units(seconds: seconds).compactMap { unit in
            guard let track = tracks[unit.track] else { return nil }
            var body = ByteBuffer()
            FLVBodyHeader.write(for: unit, codec: track.codec, into: &body)
            body.writeImmutableBuffer(unit.payload)
            return MediaMessage(kind: track.kind, timestamp: UInt32(unit.decodeTime.milliseconds), payload: body)
        }
    }
}

/// What a viewer got, in the words of a test.
enum MediaWord: Hashable {
    case metadata
    case header(TrackKind)
    case frame(TrackKind, isKeyframe: Bool)
    case unreadable

    init(_ message: MediaMessage) {
        switch message.kind {
        case .data: self = .metadata
        case .video: self = Self.word(.video, try? .video(message.payload))
        case .audio: self = Self.word(.audio, try? .audio(message.payload))
        }
    }

    private static func word(_ kind: TrackKind, _ tag: FLVMediaTag?) -> MediaWord {
        switch tag {
        case .sequenceHeader: .header(kind)
        case .frame(let frame): .frame(kind, isKeyframe: frame.isKeyframe)
        case .endOfSequence, .ignored, nil: .unreadable
        }
    }
}
