package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Decoded sound. A frame here is one sample of every channel.
package struct SampleBlock: Hashable, Sendable {
    /// Of the first frame.
    package var time: MediaTime
    package var rate: Int
    package var channels: Int
    /// −1 to 1, the channels of a frame side by side.
    package var samples: [Float]

    package init(time: MediaTime, rate: Int, channels: Int, samples: [Float]) {
        self.time = time
        self.rate = rate
        self.channels = channels
        self.samples = samples
    }

    package var frames: Int { samples.count / max(channels, 1) }
}

package protocol AudioDecoding: AnyObject {
    /// All that the unit decodes to: no sample is held back or cut off.
    func decode(_ unit: AccessUnit) throws(CodecPortError) -> [SampleBlock]
}

/// Changes sample rate and channels. The first frame out is of the time of the first one in; the last few come out with the
/// next call.
package protocol AudioResampling: AnyObject {
    func resample(_ samples: [Float]) throws(CodecPortError) -> [Float]
}

package protocol AudioEncoding: AnyObject {
    var codec: CodecParameters { get }
    /// How many frames of samples `encode` takes, and every packet holds.
    var packetFrames: Int { get }
    /// How many frames the encoder puts before the first one it is given.
    var delayFrames: Int { get }
    /// Zero or more packets, in order.
    func encode(_ samples: [Float]) throws(CodecPortError) -> [ByteBuffer]
}

/// What the sound of a stream is made into.
package struct AudioFormat: Hashable, Sendable {
    package enum Codec: String, Hashable, Sendable {
        case aac
        case opus
    }

    package var codec: Codec
    package var rate: Int
    package var channels: Int
    package var bitsPerSecond: Int

    package init(codec: Codec, rate: Int, channels: Int, bitsPerSecond: Int) {
        self.codec = codec
        self.rate = rate
        self.channels = channels
        self.bitsPerSecond = bitsPerSecond
    }

    /// Opus is always at 48 kHz. Two channels at most: more would be of no use to the players that ask for another codec.
    package static func opus(channels: Int) -> Self {
        Self(codec: .opus, rate: 48_000, channels: min(max(channels, 1), 2), bitsPerSecond: 96_000)
    }

    /// At the source's rate where AAC has it (ISO/IEC 14496-3 table 1.18), so that players change between it and the source
    /// without a new set-up.
    package static func aac(channels: Int, rate: Int = 48_000, bitsPerSecond: Int = 128_000) -> Self {
        Self(
            codec: .aac,
            rate: aacRates.contains(rate) ? rate : 48_000,
            channels: min(max(channels, 1), 2),
            bitsPerSecond: bitsPerSecond
        )
    }

    private static let aacRates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
    ]
}

/// A library of audio codecs.
package protocol AudioCodecs: Sendable {
    func decoder(for codec: CodecParameters) throws(CodecPortError) -> any AudioDecoding
    func resampler(
        fromRate: Int,
        channels: Int,
        to format: AudioFormat
    ) throws(CodecPortError) -> any AudioResampling
    func encoder(_ format: AudioFormat) throws(CodecPortError) -> any AudioEncoding
}
