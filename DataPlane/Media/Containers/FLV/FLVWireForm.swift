import Bytes
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Whole FLV tags as pieces to be written one after the other. The payload piece shares the access unit's storage, so one
/// list serves every HTTP-FLV viewer.
package enum FLVWireForm {
    /// What every viewer gets first: file header, `onMetaData`, and each track's sequence header, at the time given.
    package static func opening(for tracks: [Track], timestamp: UInt32) -> ByteBuffer {
        var buffer = ByteBuffer()
        let kinds = Set(tracks.map(\.kind))
        FLVFileHeader(hasAudio: kinds.contains(.audio), hasVideo: kinds.contains(.video)).write(into: &buffer)
        writeHeaders(for: tracks, timestamp: timestamp, into: &buffer)
        return buffer
    }

    /// `onMetaData` and sequence headers alone, for a change of tracks in a running stream.
    package static func headers(for tracks: [Track], timestamp: UInt32) -> ByteBuffer {
        var buffer = ByteBuffer()
        writeHeaders(for: tracks, timestamp: timestamp, into: &buffer)
        return buffer
    }

    package static func pieces(for unit: AccessUnit, track: Track) -> [ByteBuffer] {
        var head = ByteBuffer()
        head.reserveCapacity(FLVTagHeader.length + 8)
        let bodyStart = FLVTagHeader.length
        head.writeRepeatingByte(0, count: bodyStart)
        FLVBodyHeader.write(for: unit, codec: track.codec, into: &head)
        let bodyLength = head.readableBytes - bodyStart + unit.payload.readableBytes
        var header = ByteBuffer()
        FLVTagHeader(type: FLVTagType(track.kind), bodyLength: bodyLength, timestamp: unit.decodeTime.flvTimestamp)
            .write(into: &header)
        head.setBuffer(header, at: head.readerIndex)
        return [head, unit.payload, ByteBuffer(integer: UInt32(FLVTagHeader.length + bodyLength))]
    }

    private static func writeHeaders(for tracks: [Track], timestamp: UInt32, into buffer: inout ByteBuffer) {
        writeTag(.data, FLVMetadata.body(for: tracks), timestamp: timestamp, into: &buffer)
        for track in tracks {
            guard let body = FLVBodyHeader.sequenceHeader(for: track.codec) else { continue }
            writeTag(FLVTagType(track.kind), body, timestamp: timestamp, into: &buffer)
        }
    }

    private static func writeTag(
        _ type: FLVTagType,
        _ body: ByteBuffer,
        timestamp: UInt32,
        into buffer: inout ByteBuffer
    ) {
        FLVTagHeader(type: type, bodyLength: body.readableBytes, timestamp: timestamp).write(into: &buffer)
        buffer.writeImmutableBuffer(body)
        buffer.writeInteger(UInt32(FLVTagHeader.length + body.readableBytes))
    }
}

extension FLVTagType {
    package init(_ kind: TrackKind) {
        switch kind {
        case .audio: self = .audio
        case .video: self = .video
        case .data: self = .data
        }
    }
}

extension MediaTime {
    /// Milliseconds as FLV and RTMP count them: wrapping at 2^32.
    package var flvTimestamp: UInt32 { UInt32(truncatingIfNeeded: milliseconds) }
}
