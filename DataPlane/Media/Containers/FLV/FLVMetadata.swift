package import MediaModel

package import struct NIOCore.ByteBuffer

/// The `onMetaData` body that tells a player what the stream holds before its first frame (FLV 10.1 §E.5).
package enum FLVMetadata {
    package static func body(for tracks: [Track]) -> ByteBuffer {
        var properties: AMF0Object = ["duration": 0, "encoder": "Millrace"]
        for track in tracks { describe(track.codec, in: &properties) }
        var buffer = ByteBuffer()
        buffer.writeAMF0("onMetaData")
        buffer.writeAMF0(.ecmaArray(properties))
        return buffer
    }

    private static func describe(_ parameters: CodecParameters, in properties: inout AMF0Object) {
        guard let codec = FLVCodec(parameters) else { return }
        switch parameters {
        case .h264(_, let width, let height), .h265(_, let width, let height), .av1(_, let width, let height),
            .vp9(_, let width, let height):
            properties.append("videocodecid", .number(codec.metadataID))
            properties.append("width", .number(Double(width)))
            properties.append("height", .number(Double(height)))
        case .aac(_, let sampleRate, let channels), .mp3(let sampleRate, let channels),
            .ac3(_, let sampleRate, let channels):
            describeAudio(codec, sampleRate: sampleRate, channels: channels, in: &properties)
        case .opus(_, let channels):
            describeAudio(codec, sampleRate: 48_000, channels: channels, in: &properties)
        case .vp8, .data: break
        }
    }

    private static func describeAudio(
        _ codec: FLVCodec,
        sampleRate: Int,
        channels: Int,
        in properties: inout AMF0Object
    ) {
        properties.append("audiocodecid", .number(codec.metadataID))
        properties.append("audiosamplerate", .number(Double(sampleRate)))
        properties.append("audiochannels", .number(Double(channels)))
        properties.append("stereo", .boolean(channels > 1))
    }
}
