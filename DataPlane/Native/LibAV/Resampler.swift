import CLibAV
package import Transcoding

package final class Resampler: AudioResampling {
    private let conversion: SampleConversion
    private let inputChannels: Int

    package init(fromRate: Int, channels: Int, toRate: Int, channels outputChannels: Int) throws(CodecPortError) {
        inputChannels = channels
        conversion = try SampleConversion(
            from: SampleLayout(rate: fromRate, channels: channels),
            AV_SAMPLE_FMT_FLT,
            to: SampleLayout(rate: toRate, channels: outputChannels)
        )
    }

    package func resample(_ samples: [Float]) throws(CodecPortError) -> [Float] {
        var samples = samples
        let frames = samples.count / inputChannels
        return try samples.withUnsafeMutableBufferPointer { samples throws(CodecPortError) in
            var plane = UnsafeMutableRawPointer(samples.baseAddress)?.assumingMemoryBound(to: UInt8.self)
            return try conversion.convert(&plane, frames: frames)
        }
    }
}

struct SampleLayout: Hashable {
    var rate: Int
    var channels: Int
}

/// libswresample from any format to floats side by side.
final class SampleConversion {
    private let context: OpaquePointer
    private let input: SampleLayout
    private let inputFormat: AVSampleFormat
    private let output: SampleLayout

    init(from input: SampleLayout, _ format: AVSampleFormat, to output: SampleLayout) throws(CodecPortError) {
        self.input = input
        inputFormat = format
        self.output = output
        var inputLayout = AVChannelLayout()
        var outputLayout = AVChannelLayout()
        av_channel_layout_default(&inputLayout, Int32(clamping: input.channels))
        av_channel_layout_default(&outputLayout, Int32(clamping: output.channels))
        var made: OpaquePointer?
        let code = swr_alloc_set_opts2(
            &made,
            &outputLayout,
            AV_SAMPLE_FMT_FLT,
            Int32(clamping: output.rate),
            &inputLayout,
            format,
            Int32(clamping: input.rate),
            0,
            nil
        )
        try LibraryCalls.check(code, "preparing a resampler")
        context = try LibraryCalls.allocated(made, "making a resampler")
        try LibraryCalls.check(swr_init(context), "starting a resampler")
    }

    deinit {
        var context: OpaquePointer? = context
        swr_free(&context)
    }

    func accepts(_ layout: SampleLayout, _ format: AVSampleFormat) -> Bool {
        layout == input && format == inputFormat
    }

    func convert(
        _ planes: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
        frames: Int
    ) throws(CodecPortError) -> [Float] {
        guard let planes, frames > 0 else { return [] }
        let room = max(0, Int(swr_get_out_samples(context, Int32(clamping: frames))))
        var samples = [Float](repeating: 0, count: room * output.channels)
        let made = samples.withUnsafeMutableBytes { bytes in
            var target = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return UnsafeMutableRawPointer(planes).withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 1) {
                swr_convert(context, &target, Int32(clamping: room), $0, Int32(clamping: frames))
            }
        }
        try LibraryCalls.check(made, "resampling")
        samples.removeLast(samples.count - Int(made) * output.channels)
        return samples
    }
}
