import Bytes
import FMP4

import struct NIOCore.ByteBuffer

/// All samples of one track of a file, as small as MP4's own tables (ISO/IEC 14496-12 §8.6, §8.7).
struct SampleTable: Hashable, Sendable {
    private var sizes: [UInt32] = []
    /// Numbers, from 1, of the samples that decoding can begin at.
    private var syncSamples: [UInt32] = []
    private var durations = RunLengths<UInt32>()
    private var compositionOffsets = RunLengths<Int32>()
    /// Where each run's first sample lies in the file.
    private var chunkOffsets: [UInt64] = []
    private var samplesPerChunk = RunLengths<UInt32>()
    /// In the track's timescale.
    private(set) var start: UInt64 = 0
    private(set) var end: UInt64 = 0

    var isEmpty: Bool { sizes.isEmpty }

    mutating func add(_ run: FragmentRun, at offset: UInt64) {
        guard !run.samples.isEmpty else { return }
        if isEmpty {
            (start, end) = (run.decodeTime, run.decodeTime)
        } else if run.decodeTime != end {
            // Tables know durations only: what is missing is shown longer, what overlaps shorter.
            let change = Int64(clamping: run.decodeTime) - Int64(clamping: end)
            durations.replaceLast { UInt32(clamping: Int64($0) + change) }
            end = max(run.decodeTime, start)
        }
        chunkOffsets.append(offset)
        samplesPerChunk.append(UInt32(run.samples.count))
        for sample in run.samples {
            sizes.append(sample.size)
            if sample.isSync { syncSamples.append(UInt32(sizes.count)) }
            durations.append(sample.duration)
            compositionOffsets.append(sample.compositionOffset)
            end &+= UInt64(sample.duration)
        }
    }

    /// The body of `stbl` behind the sample descriptions.
    func write(into table: inout ByteBuffer) {
        table.writeFullBox("stts") { box in
            box.writeInteger(UInt32(durations.runs.count))
            for run in durations.runs { box.writeMultipleIntegers(run.count, run.value) }
        }
        if compositionOffsets.runs.contains(where: { $0.value != 0 }) {
            // Version 1: offsets are signed.
            table.writeFullBox("ctts", version: 1) { box in
                box.writeInteger(UInt32(compositionOffsets.runs.count))
                for run in compositionOffsets.runs { box.writeMultipleIntegers(run.count, run.value) }
            }
        }
        if syncSamples.count < sizes.count {
            table.writeFullBox("stss") { box in
                box.writeInteger(UInt32(syncSamples.count))
                for number in syncSamples { box.writeInteger(number) }
            }
        }
        writeChunks(into: &table)
        table.writeFullBox("stsz") { box in
            // 0: each sample has a size of its own.
            box.writeMultipleIntegers(UInt32(0), UInt32(sizes.count))
            for size in sizes { box.writeInteger(size) }
        }
        table.writeFullBox("co64") { box in
            box.writeInteger(UInt32(chunkOffsets.count))
            for offset in chunkOffsets { box.writeInteger(offset) }
        }
    }

    private func writeChunks(into table: inout ByteBuffer) {
        table.writeFullBox("stsc") { box in
            box.writeInteger(UInt32(samplesPerChunk.runs.count))
            var firstChunk: UInt32 = 1
            for run in samplesPerChunk.runs {
                box.writeMultipleIntegers(firstChunk, run.value, UInt32(1))
                firstChunk += run.count
            }
        }
    }
}
