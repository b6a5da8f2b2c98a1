import Bytes

package import struct NIOCore.ByteBuffer

/// One track of initialization sections and fragments as we write them: DASH players take no segment that holds several.
package enum TrackExtraction {
    /// The `track_ID` of the only track. Some readers take nothing else (Shaka Packager 3.8 crashes).
    private static let soleTrack: UInt32 = 1

    private enum Flags {
        static let dataOffset: UInt32 = 0x0001
        static let sampleDuration: UInt32 = 0x0100
        static let sampleSize: UInt32 = 0x0200
        static let perSample: UInt32 = 0x0F00
    }

    /// - Parameter track: its `track_ID`.
    /// - Returns: Nil of bytes that are not as we write them. Nothing of the track is an empty buffer.
    package static func extract(track: UInt32, from bytes: ByteBuffer) -> ByteBuffer? {
        guard let boxes = try? Box.parse(bytes) else { return nil }
        var result = ByteBuffer()
        for box in boxes {
            switch box.type {
            case "moov": guard write(movie: box, of: track, in: bytes, into: &result) else { return nil }
            case "moof": guard write(fragment: box, of: track, in: bytes, into: &result) else { return nil }
            // Written with its fragment.
            case "mdat": continue
            default: result.writeImmutableBuffer(box.whole(in: bytes))
            }
        }
        return result
    }

    private static func write(
        movie: Box,
        of track: UInt32,
        in bytes: ByteBuffer,
        into result: inout ByteBuffer
    ) -> Bool {
        guard let children = try? movie.children() else { return false }
        result.writeBox("moov") { output in
            for child in children {
                switch child.type {
                case "trak":
                    // `tkhd` of version 0: behind version, flags and two times.
                    let header = (try? child.children())?.first { $0.type == "tkhd" }
                    guard let header, header.number(at: 12) == track else { continue }
                    write(child, in: bytes, withTrackAt: 12, of: header, into: &output)
                case "mvex":
                    let extends = (try? child.children()) ?? []
                    output.writeBox("mvex") { output in
                        for one in extends where one.number(at: 4) == track {
                            write(one, in: bytes, withTrackAt: 4, of: one, into: &output)
                        }
                    }
                default: output.writeImmutableBuffer(child.whole(in: bytes))
                }
            }
        }
        return true
    }

    private static func write(
        fragment: Box,
        of track: UInt32,
        in bytes: ByteBuffer,
        into result: inout ByteBuffer
    ) -> Bool {
        guard let children = try? fragment.children(), let header = children.first(where: { $0.type == "mfhd" }) else {
            return false
        }
        let runs = children.filter { $0.type == "traf" }.lazy.compactMap { child -> (Box, Box)? in
            let header = (try? child.children())?.first { $0.type == "tfhd" }
            return header.flatMap { $0.number(at: 4) == track ? (child, $0) : nil }
        }
        guard let (runs, runsHeader) = runs.first else { return true }
        guard let run = (try? runs.children())?.first(where: { $0.type == "trun" }),
            let (dataOffset, dataBytes) = data(of: run),
            let data = bytes.getSlice(at: bytes.readerIndex + fragment.offset + dataOffset, length: dataBytes)
        else { return false }
        let start = result.writerIndex
        var dataOffsetField = 0
        result.writeBox("moof") { output in
            output.writeImmutableBuffer(header.whole(in: bytes))
            // In `trun`: behind its own header, version, flags and the number of samples.
            dataOffsetField = output.writerIndex + run.offset - runs.offset + 16
            write(runs, in: bytes, withTrackAt: 4, of: runsHeader, into: &output)
        }
        result.setInteger(Int32(clamping: result.writerIndex - start + 8), at: dataOffsetField)
        result.writeBox("mdat") { $0.writeImmutableBuffer(data) }
        return true
    }

    /// Writes a box in which the payload of `header`, itself or one within, names the track at `position`.
    private static func write(
        _ box: Box,
        in bytes: ByteBuffer,
        withTrackAt position: Int,
        of header: Box,
        into output: inout ByteBuffer
    ) {
        let start = output.writerIndex
        output.writeImmutableBuffer(box.whole(in: bytes))
        output.setInteger(soleTrack, at: start + header.offset - box.offset + 8 + position)
    }

    /// Where the samples of a run begin, from the first byte of `moof`, and how many bytes they have.
    private static func data(of run: Box) -> (offset: Int, byteCount: Int)? {
        guard let word = run.number(at: 0), let count = run.number(at: 4), let offset = run.number(at: 8),
            word & Flags.dataOffset != 0, word & Flags.sampleSize != 0
        else { return nil }
        let sampleBytes = (word & Flags.perSample).nonzeroBitCount * 4
        let sizeAt = word & Flags.sampleDuration != 0 ? 4 : 0
        guard run.payload.readableBytes == 12 + Int(count) * sampleBytes else { return nil }
        var byteCount = 0
        for sample in 0..<Int(count) {
            guard let size = run.number(at: 12 + sample * sampleBytes + sizeAt) else { return nil }
            byteCount += Int(size)
        }
        return (Int(offset), byteCount)
    }
}

extension Box {
    fileprivate func number(at position: Int) -> UInt32? {
        payload.getInteger(at: payload.readerIndex + position)
    }

    /// With its header; `bytes` is the outermost buffer.
    fileprivate func whole(in bytes: ByteBuffer) -> ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex + offset, length: 8 + payload.readableBytes) ?? ByteBuffer()
    }
}
