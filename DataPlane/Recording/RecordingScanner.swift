import Bytes
import FMP4

package import struct NIOCore.ByteBuffer

/// Why a file cannot be made a plain MP4.
package enum RecordingFault: Error, Hashable, Sendable, CustomStringConvertible {
    case notARecording(String)
    case damaged(String)
    /// Nothing was recorded before it ended.
    case empty

    package var description: String {
        switch self {
        case .notARecording(let reason): "the file is no recording of ours (\(reason)): remove it"
        case .damaged(let reason): "the recording is damaged (\(reason)); what players read of it is all there is"
        case .empty: "the recording ended before its first fragment was written"
        }
    }
}

/// Reads the boxes of a recording's file, whole or cut short anywhere, and finds what is complete. Pure: it says which bytes
/// it wants to see. The media itself it never asks for.
package struct RecordingScanner: Sendable {
    private enum Wish {
        case head
        case movie(UInt32)
        case fragment(UInt32)
        /// The 64-bit size of the box that holds all media of a final file.
        case mediaSize
    }

    private static let movieBytesMax: UInt32 = 1 << 20
    private static let fragmentBytesMax: UInt32 = 16 << 20

    private let fileBytes: UInt64
    private var position: UInt64 = 0
    private var wish: Wish? = .head
    private var placeholder: UInt64?
    private var movie: Box?
    /// A `moof` whose media comes next, and where it lies.
    private var fragment: (runs: [FragmentRun], offset: UInt64)?
    private var defaults: [UInt32: FragmentRun.Defaults] = [:]
    private var tables: [UInt32: SampleTable] = [:]
    private var completeBytes: UInt64 = 0
    /// It was made a plain MP4 before.
    package private(set) var isFinal = false
    private var movieOffset: UInt64?

    /// Where a final file says how long it is, in milliseconds: behind the heads of `moov` and `mvhd`, version and flags, two
    /// times and the timescale.
    package var durationField: Range<UInt64>? {
        movieOffset.flatMap { offset in
            let begin = offset.addingReportingOverflow(32)
            return begin.overflow || begin.partialValue + 4 > fileBytes
                ? nil : begin.partialValue..<begin.partialValue + 4
        }
    }

    package init(fileBytes: UInt64) { self.fileBytes = fileBytes }

    /// What to read next; nil when all is known.
    package var wanted: Range<UInt64>? {
        guard let wish else { return nil }
        let length: UInt64 =
            switch wish {
            case .head: 8
            case .mediaSize: 16
            case .movie(let size), .fragment(let size): UInt64(size)
            }
        return position + length <= fileBytes ? position..<position + length : nil
    }

    package mutating func receive(_ bytes: ByteBuffer) throws(RecordingFault) {
        switch wish {
        case nil: return
        case .head: try readHead(bytes)
        case .mediaSize:
            movieOffset = bytes.getInteger(at: bytes.readerIndex + 8, as: UInt64.self).map { position &+ $0 }
            wish = nil
        case .movie(let size):
            let box = try box(bytes)
            do throws(FragmentRun.Failure) { defaults = try FragmentRun.defaults(in: box) } catch {
                throw .damaged(error.description)
            }
            movie = box
            advance(by: size)
        case .fragment(let size):
            // What was being written when the process died is no fault of the rest.
            guard let runs = try? FragmentRun.all(in: try box(bytes), defaults: defaults) else { return wish = nil }
            fragment = (runs, position)
            advance(by: size)
        }
    }

    private func box(_ bytes: ByteBuffer) throws(RecordingFault) -> Box {
        do throws(Box.Failure) {
            guard let box = try Box.parse(bytes).first else { throw Box.Failure.trailingBytes(bytes.readableBytes) }
            return box
        } catch { throw .damaged(error.description) }
    }

    private mutating func advance(by size: UInt32) {
        position += UInt64(size)
        wish = .head
    }

    private mutating func readHead(_ bytes: ByteBuffer) throws(RecordingFault) {
        var bytes = bytes
        guard let (size, code) = bytes.readMultipleIntegers(as: (UInt32, UInt32).self) else { return wish = nil }
        let type = FourCC(code)
        if position == 0, type != "ftyp" { throw .notARecording("it begins with '\(type)'") }
        if type == "mdat", size == 1, placeholder == nil {
            isFinal = true
            return wish = .mediaSize
        }
        guard size >= 8, position + UInt64(size) <= fileBytes else { return wish = nil }
        switch type {
        case "free" where placeholder == nil && size == RecordingLayout.placeholderBytes:
            placeholder = position
            advance(by: size)
        case "ftyp": advance(by: size)
        case "moov" where movie == nil && size <= Self.movieBytesMax: wish = .movie(size)
        case "moof" where movie != nil && size <= Self.fragmentBytesMax: wish = .fragment(size)
        case "mdat" where fragment != nil: passMedia(size)
        // Also the tables of a file whose finalising was cut short: they are made again.
        default: wish = nil
        }
    }

    private mutating func passMedia(_ size: UInt32) {
        guard let fragment else { return }
        self.fragment = nil
        let media = position..<position + UInt64(size)
        for run in fragment.runs {
            let begin = fragment.offset &+ UInt64(max(0, run.dataOffset))
            guard media.contains(begin), begin + UInt64(run.byteCount) <= media.upperBound else { return wish = nil }
        }
        for run in fragment.runs {
            tables[run.track, default: SampleTable()].add(run, at: fragment.offset + UInt64(run.dataOffset))
        }
        advance(by: size)
        completeBytes = position
    }

    /// What was found, once nothing more is wanted.
    package func result() throws(RecordingFault) -> ScannedRecording {
        guard let movie, let placeholder else { throw .empty }
        guard completeBytes > 0 else { throw .empty }
        return ScannedRecording(
            completeBytes: completeBytes,
            placeholder: placeholder,
            movie: try PlainMovie(movie: movie, tables: tables)
        )
    }
}

/// A recording as far as it is complete.
package struct ScannedRecording: Sendable {
    /// What lies behind is cut off.
    package let completeBytes: UInt64
    package let placeholder: UInt64
    package let movie: PlainMovie

    /// Goes behind the complete bytes.
    package var tables: ByteBuffer { movie.encoded() }
    /// Then replaces the placeholder.
    package var mediaHead: ByteBuffer { RecordingLayout.mediaHead(from: placeholder, to: completeBytes) }
    package var durationMilliseconds: Int64 { movie.durationMilliseconds }
}
