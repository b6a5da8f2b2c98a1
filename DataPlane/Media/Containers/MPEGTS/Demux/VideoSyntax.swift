import Bytes
import Codecs
import MediaModel

import struct NIOCore.ByteBuffer

/// What a picture's assembly must know of a NAL unit, in H.264 (ITU-T H.264 §7.4.1) and H.265 (ITU-T H.265 §7.4.2).
enum VideoSyntax: Sendable {
    case h264
    case h265

    enum Role: Hashable, Sendable {
        case slice(isFirstOfPicture: Bool, isKeyframe: Bool)
        case parameterSet(ParameterSets.Kind)
        /// Supplemental information in front of a picture; a recovery point lets decoding start there.
        case prefix(isRecoveryPoint: Bool)
        /// Stands in front of a picture and is made anew by whoever needs it.
        case delimiter
        /// Says nothing about pictures: filler, ends of sequences.
        case filler
        case other
    }

    func role(of unit: ByteBuffer) -> Role {
        switch self {
        case .h264: h264Role(of: unit)
        case .h265: h265Role(of: unit)
        }
    }

    private func h264Role(of unit: ByteBuffer) -> Role {
        let bytes = unit.readableBytesView.prefix(2)
        guard let header = bytes.first else { return .filler }
        switch header & 0x1F {
        case 1, 2, 5:
            // first_mb_in_slice is ue(v): a leading 1 is zero.
            let isFirst = bytes.count > 1 && bytes[bytes.startIndex + 1] & 0x80 != 0
            return .slice(isFirstOfPicture: isFirst, isKeyframe: header & 0x1F == 5)
        case 6: return .prefix(isRecoveryPoint: isRecoveryPoint(unit, headerBytes: 1))
        case 7: return .parameterSet(.sequence)
        case 8: return .parameterSet(.picture)
        case 9: return .delimiter
        case 10, 11, 12: return .filler
        case 14...18: return .prefix(isRecoveryPoint: false)
        default: return .other
        }
    }

    private func h265Role(of unit: ByteBuffer) -> Role {
        let bytes = unit.readableBytesView.prefix(3)
        guard let header = bytes.first, bytes.count > 2 else { return .filler }
        let type = header >> 1 & 0x3F
        switch type {
        case 0..<32:
            let isFirst = bytes[bytes.startIndex + 2] & 0x80 != 0
            return .slice(isFirstOfPicture: isFirst, isKeyframe: (16...21).contains(type))
        case 32: return .parameterSet(.video)
        case 33: return .parameterSet(.sequence)
        case 34: return .parameterSet(.picture)
        case 35: return .delimiter
        case 36, 37, 38: return .filler
        case 39, 41...44, 48...55: return .prefix(isRecoveryPoint: false)
        default: return .other
        }
    }

    /// An open GOP without IDR pictures is entered at a recovery point of zero frames (H.264 §D.2.8).
    private func isRecoveryPoint(_ unit: ByteBuffer, headerBytes: Int) -> Bool {
        var payload = RBSP.unescape(unit, headerBytes: headerBytes)[...]
        while payload.count > 2 {
            let type = Self.seiNumber(&payload)
            let size = Self.seiNumber(&payload)
            guard size <= payload.count else { return false }
            if type == 6 {
                var bits = BitReader(Array(payload.prefix(size)))
                return (try? bits.unsignedExpGolomb()) == 0
            }
            payload = payload.dropFirst(size)
        }
        return false
    }

    /// Bytes of 255 and one that is less, added up (§7.3.2.3.1).
    private static func seiNumber(_ bytes: inout ArraySlice<UInt8>) -> Int {
        var number = 0
        while let byte = bytes.popFirst() {
            number += Int(byte)
            if byte != 255 { break }
        }
        return number
    }
}

/// The parameter sets of one video stream, as they stand at the picture at hand.
struct ParameterSets: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case video
        case sequence
        case picture
    }

    /// Of each kind; 16 and 64 are the most that the syntax can name, and more would only fill memory.
    private static let countMax = 64

    private var video: [ByteBuffer] = []
    private var sequence: [ByteBuffer] = []
    private var picture: [ByteBuffer] = []

    /// A new sequence parameter set replaces all there was; picture parameter sets may come one by one.
    mutating func replace(by sets: [(kind: Kind, bytes: ByteBuffer)]) {
        func all(_ kind: Kind) -> [ByteBuffer] {
            Array(sets.filter { $0.kind == kind }.map(\.bytes).uniqued().prefix(Self.countMax))
        }
        let sequence = all(.sequence)
        if !sequence.isEmpty {
            self.sequence = sequence
            if !all(.picture).isEmpty { picture = [] }
        }
        if !all(.video).isEmpty { video = all(.video) }
        picture = Array((picture + all(.picture)).uniqued().suffix(Self.countMax))
    }

    /// Nil until there are enough of them, and when they cannot be read.
    func parameters(_ syntax: VideoSyntax) -> CodecParameters? {
        switch syntax {
        case .h264:
            guard
                let record = AVCConfiguration(sequenceParameterSets: sequence, pictureParameterSets: picture)
            else { return nil }
            return try? .h264(avcC: record.encoded())
        case .h265:
            let record = try? HEVCConfiguration.record(
                videoParameterSets: video,
                sequenceParameterSets: sequence,
                pictureParameterSets: picture
            )
            return record.flatMap { try? .h265(hvcC: $0) }
        }
    }
}

extension Array where Element: Hashable {
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
