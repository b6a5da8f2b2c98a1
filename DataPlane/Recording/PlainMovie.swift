import Bytes
import FMP4

package import struct NIOCore.ByteBuffer

/// The `moov` of a plain MP4, made of a fragmented one's and of the tables of what its fragments hold.
package struct PlainMovie: Sendable {
    private struct Track {
        var box: Box
        var number: UInt32
        var timescale: UInt32
        var table: SampleTable

        /// In milliseconds, which is the movie's own timescale.
        var startMilliseconds: UInt64 { milliseconds(table.start) }
        var endMilliseconds: UInt64 { milliseconds(table.end) }

        private func milliseconds(_ ticks: UInt64) -> UInt64 {
            let (whole, rest) = ticks.quotientAndRemainder(dividingBy: UInt64(timescale))
            return whole &* 1000 &+ rest * 1000 / UInt64(timescale)
        }
    }

    private let movie: Box
    private let tracks: [Track]

    init(movie: Box, tables: [UInt32: SampleTable]) throws(RecordingFault) {
        self.movie = movie
        var tracks: [Track] = []
        for box in try Self.children(movie) where box.type == "trak" {
            let number = try Self.number(of: box)
            guard let table = tables[number], !table.isEmpty else { continue }
            tracks.append(Track(box: box, number: number, timescale: try Self.timescale(of: box), table: table))
        }
        guard !tracks.isEmpty else { throw .empty }
        self.tracks = tracks
    }

    package var durationMilliseconds: Int64 { Int64(clamping: tracks.map(\.endMilliseconds).max() ?? 0) }

    package func encoded() -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeBox("moov") { moov in
            for box in (try? Self.children(movie)) ?? [] where box.type == "mvhd" {
                // Version 0: flags, two times, timescale, then the duration (§8.2.2).
                moov.writeCopy(of: box, duration: UInt32(clamping: durationMilliseconds), at: 16)
            }
            for track in tracks { write(track, into: &moov) }
        }
        return bytes
    }

    private func write(_ track: Track, into moov: inout ByteBuffer) {
        moov.writeBox("trak") { trak in
            for box in (try? Self.children(track.box)) ?? [] {
                switch box.type {
                case "tkhd":
                    // Version 0: flags, two times, number, four bytes, then the duration (§8.3.2).
                    trak.writeCopy(of: box, duration: UInt32(clamping: track.endMilliseconds), at: 20)
                    writeEdits(of: track, into: &trak)
                case "mdia": trak.writeBox("mdia") { writeMedia(box, of: track, into: &$0) }
                default: trak.writeCopy(of: box)
                }
            }
        }
    }

    /// A track that begins later than the file (§8.6.6): first nothing, then all of it.
    private func writeEdits(of track: Track, into trak: inout ByteBuffer) {
        guard track.startMilliseconds > 0 else { return }
        trak.writeBox("edts") { edits in
            edits.writeFullBox("elst") { box in
                box.writeInteger(UInt32(2))
                box.writeMultipleIntegers(UInt32(clamping: track.startMilliseconds), Int32(-1), UInt32(0x0001_0000))
                let length = UInt32(clamping: track.endMilliseconds - track.startMilliseconds)
                box.writeMultipleIntegers(length, Int32(0), UInt32(0x0001_0000))
            }
        }
    }

    private func writeMedia(_ media: Box, of track: Track, into bytes: inout ByteBuffer) {
        for box in (try? Self.children(media)) ?? [] {
            switch box.type {
            case "mdhd":
                // Version 1: 32 bits of 90 kHz last 13 hours.
                bytes.writeFullBox("mdhd", version: 1) { header in
                    header.writeRepeatingByte(0, count: 16)
                    header.writeInteger(track.timescale)
                    header.writeInteger(track.table.end - track.table.start)
                    // "und", the undetermined language
                    header.writeMultipleIntegers(UInt16(0x55C4), UInt16(0))
                }
            case "minf":
                bytes.writeBox("minf") { information in
                    for part in (try? Self.children(box)) ?? [] {
                        if part.type == "stbl" {
                            writeTable(part, of: track, into: &information)
                        } else {
                            information.writeCopy(of: part)
                        }
                    }
                }
            default: bytes.writeCopy(of: box)
            }
        }
    }

    private func writeTable(_ table: Box, of track: Track, into bytes: inout ByteBuffer) {
        bytes.writeBox("stbl") { stbl in
            for box in (try? Self.children(table)) ?? [] where box.type == "stsd" { stbl.writeCopy(of: box) }
            track.table.write(into: &stbl)
        }
    }

    // MARK: Reading

    private static func children(_ box: Box) throws(RecordingFault) -> [Box] {
        do throws(Box.Failure) { return try box.children() } catch { throw .damaged(error.description) }
    }

    private static func child(_ type: FourCC, of box: Box) throws(RecordingFault) -> Box {
        guard let found = try children(box).first(where: { $0.type == type }) else {
            throw .damaged("'\(box.type)' lacks '\(type)'")
        }
        return found
    }

    private static func number(of track: Box) throws(RecordingFault) -> UInt32 {
        let header = try child("tkhd", of: track).payload
        guard let number = header.getInteger(at: header.readerIndex + 12, as: UInt32.self) else {
            throw .damaged("'tkhd' is too short")
        }
        return number
    }

    private static func timescale(of track: Box) throws(RecordingFault) -> UInt32 {
        let header = try child("mdhd", of: try child("mdia", of: track)).payload
        guard let timescale = header.getInteger(at: header.readerIndex + 12, as: UInt32.self), timescale > 0 else {
            throw .damaged("'mdhd' has no timescale")
        }
        return timescale
    }
}

extension ByteBuffer {
    fileprivate mutating func writeCopy(of box: Box) {
        writeBox(box.type) { $0.writeImmutableBuffer(box.payload) }
    }

    /// With 32 bits changed, `offset` bytes behind the box's head.
    fileprivate mutating func writeCopy(of box: Box, duration: UInt32, at offset: Int) {
        guard box.payload.readableBytes >= offset + 4 else { return writeCopy(of: box) }
        var payload = box.payload
        payload.setInteger(duration, at: payload.readerIndex + offset)
        writeBox(box.type) { $0.writeImmutableBuffer(payload) }
    }
}
