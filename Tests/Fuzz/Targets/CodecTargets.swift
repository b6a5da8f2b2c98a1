import Codecs
import MediaModel

import struct NIOCore.ByteBuffer

extension FuzzTarget {
    /// As an AVCDecoderConfigurationRecord, and as NAL units behind lengths of each size.
    static let h264Headers = FuzzTarget(
        "h264-headers",
        invariant: "any record parses or throws with a picture size that is not negative; units keep their bytes"
    ) { bytes throws(FuzzViolation) in
        let buffer = ByteBuffer(bytes: bytes)
        if case .h264(_, let width, let height)? = try? CodecParameters.h264(avcC: buffer) {
            try require(width >= 0 && height >= 0, "a picture has a negative size")
        }
        for size in 1...4 {
            guard let unit = try? LengthPrefixedNALUnits.normalize(buffer, lengthBytes: size) else { continue }
            // Each length grows to four bytes, and each unit takes its length at least.
            try require(unit.readableBytes <= bytes.count * 4, "more bytes came out than there can be")
            try require(
                (try? LengthPrefixedNALUnits.normalize(unit, lengthBytes: 4)) == unit,
                "a second round differs from the first"
            )
            let codec = CodecParameters.h264(configuration: ByteBuffer(), width: 16, height: 16)
            guard let note = DisplayOrientation(in: unit, of: codec) else { continue }
            let noted = note.inserted(into: unit, of: codec)
            try require(DisplayOrientation(in: noted, of: codec) == note, "a note that was put in is another one")
        }
    }

    static let aacHeaders = FuzzTarget(
        "aac-headers",
        invariant: "any AudioSpecificConfig parses or throws, with a rate and a number of samples above zero"
    ) { bytes throws(FuzzViolation) in
        let buffer = ByteBuffer(bytes: bytes)
        guard let codec = try? CodecParameters.aac(audioSpecificConfig: buffer) else { return }
        try require((codec.sampleRate ?? 0) > 0, "sound has no sample rate")
        try require((codec.samples(inFrame: buffer) ?? 1) > 0, "a frame holds no samples")
    }
}
