import Bytes

package import struct NIOCore.ByteBuffer

/// `AudioSpecificConfig` with its GASpecificConfig (ISO/IEC 14496-3 §1.6.2.1 and §4.4.1).
package struct AudioSpecificConfig: Hashable, Sendable {
    /// Table 1.18; index 13 and 14 are reserved, 15 means "written out".
    static let sampleRates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
    ]

    /// 2 is AAC-LC; of an explicitly signalled HE-AAC stream, the object type below the extension.
    package private(set) var objectType: UInt8
    /// Of the core coder, before spectral band replication.
    package private(set) var coreSampleRate: Int
    package private(set) var channelConfiguration: UInt8
    package private(set) var channels: Int
    /// Rate after explicitly signalled spectral band replication; nil without it.
    package private(set) var extensionSampleRate: Int?
    package private(set) var hasParametricStereo = false
    /// 960-sample frames instead of 1,024.
    package private(set) var isShortFrame = false

    /// Plain AAC as ADTS can describe it. Nil for a rate that has no index.
    package init?(objectType: UInt8, sampleRateIndex: UInt8, channelConfiguration: UInt8) {
        guard Self.sampleRates.indices.contains(Int(sampleRateIndex)), (1...7).contains(channelConfiguration) else {
            return nil
        }
        self.objectType = objectType
        coreSampleRate = Self.sampleRates[Int(sampleRateIndex)]
        self.channelConfiguration = channelConfiguration
        channels = Self.channels(of: channelConfiguration)
    }

    package init(parsing bytes: ByteBuffer) throws(CodecError) {
        var bits = BitReader(bytes)
        self = try CodecError.reading(.audioSpecificConfig) { try Self(from: &bits) }
    }

    /// What comes out of the decoder.
    package var sampleRate: Int { extensionSampleRate ?? coreSampleRate }

    /// At `sampleRate`.
    package var samplesPerFrame: Int {
        let core = isShortFrame ? 960 : 1024
        return extensionSampleRate.map { core * $0 / coreSampleRate } ?? core
    }

    /// RFC 6381 §3.3 names the object type a player must support.
    package var codecString: String {
        "mp4a.40." + (hasParametricStereo ? "29" : extensionSampleRate != nil ? "5" : String(objectType))
    }

    private init(from bits: inout BitReader) throws {
        objectType = try Self.objectType(&bits)
        coreSampleRate = try Self.sampleRate(&bits)
        channelConfiguration = UInt8(try bits.bits(4))
        channels = Self.channels(of: channelConfiguration)
        if objectType == 5 || objectType == 29 {
            hasParametricStereo = objectType == 29
            extensionSampleRate = try Self.sampleRate(&bits)
            objectType = try Self.objectType(&bits)
        }
        guard [1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23].contains(objectType) else {
            // Other object types have no GASpecificConfig and fix their own frame length.
            guard channels > 0 else { throw Self.malformed("no channels") }
            return
        }
        isShortFrame = try bits.bit()
        if try bits.bit() { try bits.skip(14) }
        try bits.skip(1)
        if channelConfiguration == 0 { channels = try Self.programConfigChannels(&bits) }
        if hasParametricStereo, channels == 1 { channels = 2 }
        guard (1...24).contains(channels) else { throw Self.malformed("\(channels) channels") }
        if extensionSampleRate == nil { readBackwardCompatibleExtension(&bits) }
    }

    /// The sync extension behind an AAC-LC configuration (§1.6.6.1); absent in most streams.
    private mutating func readBackwardCompatibleExtension(_ bits: inout BitReader) {
        guard (try? bits.bits(11)) == 0x2B7, (try? Self.objectType(&bits)) == 5, (try? bits.bit()) == true,
            let rate = try? Self.sampleRate(&bits)
        else { return }
        extensionSampleRate = rate
        guard (try? bits.bits(11)) == 0x548, (try? bits.bit()) == true else { return }
        hasParametricStereo = true
        if channels == 1 { channels = 2 }
    }

    private static func objectType(_ bits: inout BitReader) throws -> UInt8 {
        let type = UInt8(try bits.bits(5))
        return type == 31 ? 32 + UInt8(try bits.bits(6)) : type
    }

    private static func sampleRate(_ bits: inout BitReader) throws -> Int {
        let index = Int(try bits.bits(4))
        let rate = index == 15 ? Int(try bits.bits(24)) : sampleRates.indices.contains(index) ? sampleRates[index] : 0
        guard (1000...192_000).contains(rate) else { throw malformed("a sample rate of \(rate) (index \(index))") }
        return rate
    }

    private static func channels(of configuration: UInt8) -> Int {
        switch configuration {
        case 1...6: Int(configuration)
        case 7, 12, 14: 8
        case 11: 7
        default: 0
        }
    }

    /// program_config_element (§4.4.1.1), as far as the elements that carry channels.
    private static func programConfigChannels(_ bits: inout BitReader) throws -> Int {
        try bits.skip(4 + 2 + 4)
        let front = try bits.bits(4)
        let side = try bits.bits(4)
        let back = try bits.bits(4)
        let lowFrequency = Int(try bits.bits(2))
        try bits.skip(3 + 4)
        for width in [4, 4, 3] where try bits.bit() { try bits.skip(width) }
        var count = lowFrequency
        for _ in 0..<(front + side + back) {
            count += try bits.bit() ? 2 : 1
            try bits.skip(4)
        }
        return count
    }

    private static func malformed(_ reason: String) -> CodecError { .malformed(.audioSpecificConfig, reason) }
}

extension AudioSpecificConfig {
    /// The two-byte form of plain AAC; nil when the rate has no index or channels stand in a program config element.
    package func encoded() -> ByteBuffer? {
        guard let index = Self.sampleRates.firstIndex(of: coreSampleRate), channelConfiguration > 0, objectType < 31
        else {
            return nil
        }
        let fields =
            UInt16(objectType) << 11 | UInt16(index) << 7 | UInt16(channelConfiguration) << 3 | (isShortFrame ? 4 : 0)
        return ByteBuffer(integer: fields)
    }
}
