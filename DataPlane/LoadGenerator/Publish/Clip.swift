import FLV
import Foundation
import MediaModel
package import NIOCore

/// An FLV file, ready to be sent again and again.
package struct Clip: Sendable {
    struct Tag: Sendable {
        var kind: TrackKind
        var timestamp: UInt32
        var body: ByteBuffer
        /// Where a send stamp goes; nil for all but H.264 frames.
        var stampOffset: Int?
        /// Sent once, and not again when the clip begins anew.
        var isHeader: Bool
    }

    package struct Unreadable: Error, CustomStringConvertible {
        let path: String
        let why: String
        package var description: String { "\(path): \(why)" }
    }

    let tags: [Tag]
    /// From the first frame to where the next round begins.
    package let durationMilliseconds: UInt32

    package init(path: String) throws {
        let data: Data
        do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
            throw Unreadable(path: path, why: error.localizedDescription)
        }
        do { try self.init(ByteBuffer(bytes: data)) } catch { throw Unreadable(path: path, why: "\(error)") }
    }

    package init(_ bytes: ByteBuffer) throws {
        var reader = FLVTagReader()
        reader.append(bytes)
        var tags: [Tag] = []
        while let tag = try reader.next() {
            if let kept = try Self.tag(tag) { tags.append(kept) }
        }
        let frames = tags.filter { !$0.isHeader }
        guard let first = frames.first?.timestamp else { throw FLVError.truncated }
        // What comes before the first frame belongs to it; the file may begin anywhere.
        for index in tags.indices { tags[index].timestamp -= min(first, tags[index].timestamp) }
        self.tags = tags
        durationMilliseconds = max(Self.end(of: .video, in: tags), Self.end(of: .audio, in: tags))
    }

    private static func tag(_ tag: FLVTag) throws -> Tag? {
        let (body, timestamp) = (tag.body, tag.header.timestamp)
        switch tag.header.type {
        case .video:
            switch try FLVMediaTag.video(body) {
            case .frame(let frame):
                let offset = frame.codec == .avc ? stampOffset(in: body) : nil
                return Tag(kind: .video, timestamp: timestamp, body: body, stampOffset: offset, isHeader: false)
            case .sequenceHeader: return Tag(kind: .video, timestamp: timestamp, body: body, isHeader: true)
            case .endOfSequence, .ignored: return nil
            }
        case .audio:
            switch try FLVMediaTag.audio(body) {
            case .frame: return Tag(kind: .audio, timestamp: timestamp, body: body, isHeader: false)
            case .sequenceHeader: return Tag(kind: .audio, timestamp: timestamp, body: body, isHeader: true)
            case .endOfSequence, .ignored: return nil
            }
        case .data:
            // Servers keep the metadata of a publisher for later players when it is marked so.
            var marked = ByteBuffer(bytes: [0x02, 0x00, 0x0D])
            marked.writeString("@setDataFrame")
            marked.writeImmutableBuffer(body)
            return Tag(kind: .data, timestamp: timestamp, body: marked, isHeader: true)
        case nil: return nil
        }
    }

    private static func stampOffset(in body: ByteBuffer) -> Int? {
        let header = 5
        let start = body.readerIndex + header
        guard let length = body.getInteger(at: start, as: UInt32.self),
            let type = body.getInteger(at: start + 4, as: UInt8.self)
        else { return nil }
        let offset = header + SendStamp.offset(firstNALUnitType: type, length: Int(length))
        return offset <= body.readableBytes ? offset : nil
    }

    /// The last frame's time and the mean length of one behind it.
    private static func end(of kind: TrackKind, in tags: [Tag]) -> UInt32 {
        let times = tags.filter { $0.kind == kind && !$0.isHeader }.map(\.timestamp)
        guard times.count > 1, let first = times.first, let last = times.last, last > first else {
            return times.last ?? 0
        }
        let steps = UInt32(times.count - 1)
        return last + (last - first + steps / 2) / steps
    }
}
