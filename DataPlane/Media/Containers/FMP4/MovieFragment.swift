import Bytes
import MediaModel

package import struct NIOCore.ByteBuffer

/// One CMAF chunk: `moof` and its `mdat` (ISO/IEC 14496-12 §8.8, ISO/IEC 23000-19 §7.3.2).
package enum MovieFragment {
    private enum Flags {
        /// `tfhd`: data offsets count from the first byte of `moof`; sample flags given.
        static let defaultBaseIsMoof: UInt32 = 0x02_0000
        static let defaultSampleFlags: UInt32 = 0x00_0020
        /// `trun`: data offset; duration, size, flags and composition offset of each sample.
        static let dataOffset: UInt32 = 0x0001
        static let sampleDuration: UInt32 = 0x0100
        static let sampleSize: UInt32 = 0x0200
        static let sampleFlags: UInt32 = 0x0400
        static let sampleCompositionOffset: UInt32 = 0x0800
        /// Sample flags (§8.8.3.1): depends on none, can be started from; depends on others, cannot.
        static let sync: UInt32 = 0x0200_0000
        static let nonSync: UInt32 = 0x0101_0000
    }

    package static func encode(_ runs: [TrackRun], sequenceNumber: UInt32) -> ByteBuffer {
        let dataBytes = runs.reduce(0) { $0 + payloadBytes($1) }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(dataBytes + 64 + runs.reduce(0) { $0 + 96 + 16 * $1.samples.count })
        var dataOffsetFields: [Int] = []
        bytes.writeBox("moof") { fragment in
            fragment.writeFullBox("mfhd") { $0.writeInteger(sequenceNumber) }
            for run in runs { dataOffsetFields.append(write(run, into: &fragment)) }
        }
        var dataOffset = bytes.readableBytes + 8
        for (field, run) in zip(dataOffsetFields, runs) {
            bytes.setInteger(Int32(clamping: dataOffset), at: field)
            dataOffset += payloadBytes(run)
        }
        bytes.writeBox("mdat") { data in
            for run in runs {
                for sample in run.samples { data.writeImmutableBuffer(sample.payload) }
            }
        }
        return bytes
    }

    /// Answers where the data offset stands, which is known only after the whole `moof`.
    private static func write(_ run: TrackRun, into bytes: inout ByteBuffer) -> Int {
        let isVideo = run.track.track.kind == .video
        var dataOffsetField = 0
        bytes.writeBox("traf") { traf in
            traf.writeFullBox("tfhd", flags: Flags.defaultBaseIsMoof | Flags.defaultSampleFlags) { box in
                box.writeInteger(run.track.number)
                box.writeInteger(isVideo ? Flags.nonSync : Flags.sync)
            }
            traf.writeFullBox("tfdt", version: 1) { $0.writeInteger(run.decodeTime) }
            let perPicture = Flags.sampleFlags | Flags.sampleCompositionOffset
            let flags = Flags.dataOffset | Flags.sampleDuration | Flags.sampleSize | (isVideo ? perPicture : 0)
            // Version 1: composition offsets are signed.
            traf.writeFullBox("trun", version: 1, flags: flags) { box in
                box.writeInteger(UInt32(run.samples.count))
                dataOffsetField = box.writerIndex
                box.writeInteger(Int32(0))
                for sample in run.samples { write(sample, isVideo: isVideo, into: &box) }
            }
        }
        return dataOffsetField
    }

    private static func write(_ sample: TrackRun.Sample, isVideo: Bool, into box: inout ByteBuffer) {
        box.writeInteger(sample.duration)
        box.writeInteger(UInt32(sample.payload.readableBytes))
        guard isVideo else { return }
        box.writeInteger(sample.isSync ? Flags.sync : Flags.nonSync)
        box.writeInteger(sample.compositionOffset)
    }

    private static func payloadBytes(_ run: TrackRun) -> Int { run.samples.reduce(0) { $0 + $1.payload.readableBytes } }
}
