package import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// Sound of one codec into sound of another, at the same times. Made and used on one thread.
///
///     units ─► decoder ─► aligner ─► resampler ─► packets of the encoder's length ─► encoder
package final class AudioTranscoder {
    /// One run of samples without a break, from decoder to encoder.
    private struct Run {
        let encoder: any AudioEncoding
        let resampler: any AudioResampling
        /// When the first sample is heard.
        let start: MediaTime
        /// Resampled, and fewer than a packet takes.
        var waiting: [Float] = []
        var packetsOut: Int64 = 0
    }

    private let codecs: any AudioCodecs
    private let track: TrackID
    private let format: AudioFormat
    private let decoder: any AudioDecoding
    private var aligner = SampleAligner()
    private var run: Run?
    /// Channels of the run's source.
    private var channels = 0

    /// - Parameter track: Of what comes out.
    package init(
        codecs: any AudioCodecs,
        source: CodecParameters,
        track: TrackID,
        format: AudioFormat
    ) throws(CodecPortError) {
        self.codecs = codecs
        self.track = track
        self.format = format
        decoder = try codecs.decoder(for: source)
        let encoder = try codecs.encoder(format)
        codec = encoder.codec
    }

    package let codec: CodecParameters

    /// The units that are complete with this one. A unit that cannot be decoded leaves a silence.
    package func transcode(_ unit: AccessUnit) throws(CodecPortError) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for block in try decoder.decode(unit) where block.frames > 0 { units += try take(block) }
        return units
    }

    private func take(_ block: SampleBlock) throws(CodecPortError) -> [AccessUnit] {
        var samples = block.samples
        // Another number of channels needs another resampler: a run of its own.
        if block.channels != channels { aligner = SampleAligner() }
        switch aligner.place(block) {
        case .follows: break
        case .afterSilence(let frames):
            samples.insert(contentsOf: repeatElement(0, count: frames * block.channels), at: 0)
        case .withoutFirst(let frames): samples.removeFirst(frames * block.channels)
        case .restarts: try begin(block)
        }
        return try encode(samples)
    }

    private func begin(_ block: SampleBlock) throws(CodecPortError) {
        channels = block.channels
        run = Run(
            encoder: try codecs.encoder(format),
            resampler: try codecs.resampler(fromRate: block.rate, channels: block.channels, to: format),
            start: block.time
        )
    }

    private func encode(_ samples: [Float]) throws(CodecPortError) -> [AccessUnit] {
        guard var run else { return [] }
        defer { self.run = run }
        run.waiting += try run.resampler.resample(samples)
        let perPacket = run.encoder.packetFrames * format.channels
        var units: [AccessUnit] = []
        var taken = 0
        while run.waiting.count - taken >= perPacket {
            let packets = try run.encoder.encode(Array(run.waiting[taken..<(taken + perPacket)]))
            taken += perPacket
            units += packets.compactMap { unit($0, of: &run) }
        }
        run.waiting.removeFirst(taken)
        return units
    }

    /// The encoder's own beginning lies before the first sample. Where that is before the stream's beginning it is left out.
    private func unit(_ packet: ByteBuffer, of run: inout Run) -> AccessUnit? {
        let frames = run.packetsOut * Int64(run.encoder.packetFrames) - Int64(run.encoder.delayFrames)
        run.packetsOut += 1
        let time = run.start + MediaTime(samples: frames, rate: Int64(format.rate))
        guard time >= .zero else { return nil }
        return AccessUnit(track: track, decodeTime: time, isKeyframe: true, payload: packet)
    }
}
