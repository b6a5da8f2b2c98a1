import CLibAV
import Codecs
import MediaModel
import Transcoding

import struct NIOCore.ByteBuffer

/// From the byte stream that an encoder writes to what the hub carries.
struct BitstreamForm {
    private enum Kind {
        case h264
        case h265
        case av1
    }

    private let kind: Kind
    private let encoder: String

    init(_ id: AVCodecID, encoder: String) throws(CodecPortError) {
        self.encoder = encoder
        switch id {
        case AV_CODEC_ID_H264: kind = .h264
        case AV_CODEC_ID_HEVC: kind = .h265
        case AV_CODEC_ID_AV1: kind = .av1
        default:
            throw .unusableOutput(
                encoder: encoder,
                reason: "only H.264, H.265 and AV1 are; choose an encoder of one of these"
            )
        }
    }

    /// Temporal units of AV1 follow each other as they are shown.
    var isInOrder: Bool { kind == .av1 }

    func payload(_ bytes: ByteBuffer) throws(CodecPortError) -> ByteBuffer {
        switch kind {
        case .h264, .h265: return AnnexB.lengthPrefixed(bytes)
        case .av1:
            do throws(CodecError) { return try AV1TemporalUnit.withoutDelimiters(bytes) } catch {
                throw .unusableOutput(encoder: encoder, reason: error.description)
            }
        }
    }

    func parameters(extradata: ByteBuffer, size: PictureSize) throws(CodecPortError) -> CodecParameters {
        let units = kind == .av1 ? [] : AnnexB.split(extradata)
        switch kind {
        case .h264:
            let record = AVCConfiguration(
                sequenceParameterSets: units.filter { H264NALUnitType(of: $0) == .sequenceParameterSet },
                pictureParameterSets: units.filter { H264NALUnitType(of: $0) == .pictureParameterSet }
            )
            guard let record else { throw headerMissing }
            return .h264(configuration: record.encoded(), width: size.width, height: size.height)
        case .h265:
            guard let record = HEVCRecord.write(parameterSets: units) else { throw headerMissing }
            return .h265(configuration: record, width: size.width, height: size.height)
        case .av1:
            let record = try? AV1Configuration.record(sequenceHeaderIn: extradata)
            guard let record else { throw headerMissing }
            return .av1(configuration: record, width: size.width, height: size.height)
        }
    }

    private var headerMissing: CodecPortError {
        .unusableOutput(encoder: encoder, reason: "it tells no parameter sets before the first picture")
    }
}
