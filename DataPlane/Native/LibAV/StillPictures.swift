import CLibAV
package import MediaModel
package import Transcoding

package import struct NIOCore.ByteBuffer

extension LibAVCodecs: StillCodecs {
    package func jpeg(
        of keyframe: AccessUnit,
        codec: CodecParameters,
        linesMax: Int
    ) throws(CodecPortError) -> ByteBuffer {
        let decoder = try VideoDecoder(for: codec)
        // A decoder that reorders gives its only picture when told that no other comes.
        let pictures = try decoder.decode(keyframe) + decoder.finish()
        guard let picture = pictures.first else {
            throw .failed(operation: "decoding a keyframe", reason: "no picture came of it")
        }
        let size = picture.displaySize.limited(toLines: linesMax)
        // JPEG's own range of brightness.
        return try JPEGEncoder(size).encode(try Scaler(to: size, format: AV_PIX_FMT_YUVJ420P).scale(picture))
    }
}

/// Encodes one picture.
private final class JPEGEncoder {
    /// From 2, the best, to 31.
    private static let quality: Int32 = 5
    private static let name = "mjpeg"

    private let context: CodecContext

    init(_ size: PictureSize) throws(CodecPortError) {
        guard let encoder = avcodec_find_encoder_by_name(Self.name) else { throw .encoderMissing(name: Self.name) }
        context = try CodecContext(encoder)
        context.pointer.pointee.width = Int32(clamping: size.width)
        context.pointer.pointee.height = Int32(clamping: size.height)
        context.pointer.pointee.pix_fmt = AV_PIX_FMT_YUVJ420P
        context.pointer.pointee.time_base = .mediaTime
        context.pointer.pointee.qmin = Self.quality
        context.pointer.pointee.qmax = Self.quality
        try context.open()
    }

    func encode(_ picture: Picture) throws(CodecPortError) -> ByteBuffer {
        let packet = try Packet()
        try context.send(picture.frame)
        try context.send(nil as Frame?)
        guard try context.receive(into: packet) else {
            throw .unusableOutput(encoder: Self.name, reason: "it made nothing of a picture")
        }
        return packet.payload
    }
}
