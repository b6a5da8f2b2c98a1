import CLibAV
package import MediaModel
import Timebase
package import Transcoding

package final class AudioDecoder: AudioDecoding {
    private let context: CodecContext
    private let packet: Packet
    private let frame: Frame
    /// Made for the first frame, whose sample format decides; another format makes another one.
    private var conversion: SampleConversion?

    package init(for codec: CodecParameters) throws(CodecPortError) {
        context = try codec.makeDecoder()
        packet = try Packet()
        frame = try Frame()
        // What an encoder puts before the first sample stays: times count from it.
        context.pointer.pointee.flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL
        try context.open()
    }

    package func decode(_ unit: AccessUnit) throws(CodecPortError) -> [SampleBlock] {
        try packet.fill(unit.payload)
        packet.pointer.pointee.pts = unit.presentationTime.ticks
        try context.send(packet)
        var blocks: [SampleBlock] = []
        var time = unit.presentationTime
        while try context.receive(into: frame) {
            let block = try block(at: time)
            blocks.append(block)
            // One packet may hold several frames.
            time = time + MediaTime(samples: Int64(block.frames), rate: Int64(block.rate))
        }
        return blocks
    }

    private func block(at time: MediaTime) throws(CodecPortError) -> SampleBlock {
        let fields = frame.pointer.pointee
        let layout = SampleLayout(rate: Int(fields.sample_rate), channels: Int(fields.ch_layout.nb_channels))
        let format = AVSampleFormat(rawValue: fields.format)
        if conversion?.accepts(layout, format) != true {
            conversion = try SampleConversion(from: layout, format, to: layout)
        }
        let samples = try conversion?.convert(fields.extended_data, frames: Int(fields.nb_samples)) ?? []
        return SampleBlock(time: time, rate: layout.rate, channels: layout.channels, samples: samples)
    }
}
