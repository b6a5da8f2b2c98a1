/// Why codec bytes of a peer were refused.
package enum CodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes ended inside the structure.
    case truncated(Structure)
    /// A field has a value that its specification does not allow, or that we cannot carry.
    case malformed(Structure, String)

    package enum Structure: String, Hashable, Sendable {
        case avcConfiguration = "AVCDecoderConfigurationRecord"
        case h264SequenceParameterSet = "H.264 sequence parameter set"
        case hevcConfiguration = "HEVCDecoderConfigurationRecord"
        case h265SequenceParameterSet = "H.265 sequence parameter set"
        case av1Configuration = "AV1CodecConfigurationRecord"
        case av1SequenceHeader = "AV1 sequence header"
        case vpConfiguration = "VPCodecConfigurationRecord"
        case audioSpecificConfig = "AudioSpecificConfig"
        case adts = "ADTS header"
        case opusHead = "OpusHead"
        case mp3Header = "MP3 frame header"
        case ac3Header = "AC-3 frame header"
        case nalUnits = "NAL unit stream"
    }

    package var description: String {
        switch self {
        case .truncated(let structure):
            "\(structure.rawValue) ends too early; check that the publisher sends whole codec headers"
        case .malformed(let structure, let reason):
            "\(structure.rawValue) is malformed: \(reason); check the publisher's encoder settings"
        }
    }

    /// Runs a parser and turns its running out of bytes into `.truncated(structure)`.
    static func reading<Value>(_ structure: Structure, _ parse: () throws -> Value) throws(CodecError) -> Value {
        do {
            return try parse()
        } catch let error as CodecError {
            throw error
        } catch {
            throw .truncated(structure)
        }
    }
}
