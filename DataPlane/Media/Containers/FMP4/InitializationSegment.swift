import Bytes
import Codecs
import MediaModel

package import struct NIOCore.ByteBuffer

/// The CMAF header of a set of tracks (ISO/IEC 23000-19 §7.3.1): `ftyp` and a `moov` without samples.
package enum InitializationSegment {
    /// `mvhd` has no times of its own in a live file.
    private static let movieTimescale: UInt32 = 1000

    package static func encode(_ tracks: [MP4Track]) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(1024 + tracks.count * 1024)
        bytes.writeBox("ftyp") { box in
            box.writeFourCC("iso6")
            box.writeInteger(UInt32(0))
            for brand: FourCC in ["iso6", "cmfc", "mp41"] { box.writeFourCC(brand) }
        }
        bytes.writeBox("moov") { movie in
            writeMovieHeader(nextTrack: (tracks.map(\.number).max() ?? 0) + 1, into: &movie)
            for track in tracks { write(track, into: &movie) }
            movie.writeBox("mvex") { extends in
                for track in tracks { writeTrackExtends(track, into: &extends) }
            }
        }
        return bytes
    }

    private static func writeMovieHeader(nextTrack: UInt32, into bytes: inout ByteBuffer) {
        bytes.writeFullBox("mvhd") { box in
            box.writeZeros(8)
            box.writeInteger(movieTimescale)
            box.writeInteger(UInt32(0))
            box.writeInteger(UInt32(0x0001_0000))
            box.writeInteger(UInt16(0x0100))
            box.writeZeros(10)
            box.writeUnityMatrix()
            box.writeZeros(24)
            box.writeInteger(nextTrack)
        }
    }

    private static func write(_ track: MP4Track, into bytes: inout ByteBuffer) {
        bytes.writeBox("trak") { trak in
            writeTrackHeader(track, into: &trak)
            trak.writeBox("mdia") { media in
                media.writeFullBox("mdhd") { box in
                    box.writeZeros(8)
                    box.writeInteger(UInt32(clamping: track.timescale))
                    box.writeInteger(UInt32(0))
                    // "und", the undetermined language
                    box.writeInteger(UInt16(0x55C4))
                    box.writeZeros(2)
                }
                writeHandler(track, into: &media)
                media.writeBox("minf") { writeMediaInformation(track, into: &$0) }
            }
        }
    }

    private static func writeTrackHeader(_ track: MP4Track, into bytes: inout ByteBuffer) {
        let isVideo = track.track.kind == .video
        let size = track.track.codec.pictureSize ?? (0, 0)
        // enabled, in movie
        bytes.writeFullBox("tkhd", flags: 3) { box in
            box.writeZeros(8)
            box.writeInteger(track.number)
            box.writeZeros(4 + 4 + 8 + 2)
            // alternate_group 0 for video; one group for audio, of which a player takes one
            box.writeInteger(UInt16(isVideo ? 0 : 1))
            box.writeInteger(UInt16(isVideo ? 0 : 0x0100))
            box.writeZeros(2)
            box.writeUnityMatrix()
            box.writeInteger(UInt32(UInt16(clamping: size.width)) << 16)
            box.writeInteger(UInt32(UInt16(clamping: size.height)) << 16)
        }
    }

    private static func writeHandler(_ track: MP4Track, into bytes: inout ByteBuffer) {
        let isVideo = track.track.kind == .video
        bytes.writeFullBox("hdlr") { box in
            box.writeZeros(4)
            box.writeFourCC(isVideo ? "vide" : "soun")
            box.writeZeros(12)
            box.writeString(isVideo ? "Video\0" : "Audio\0")
        }
    }

    private static func writeMediaInformation(_ track: MP4Track, into bytes: inout ByteBuffer) {
        if track.track.kind == .video {
            bytes.writeFullBox("vmhd", flags: 1) { $0.writeZeros(8) }
        } else {
            bytes.writeFullBox("smhd") { $0.writeZeros(4) }
        }
        bytes.writeBox("dinf") { dinf in
            dinf.writeFullBox("dref") { box in
                box.writeInteger(UInt32(1))
                box.writeFullBox("url ", flags: 1) { _ in }
            }
        }
        bytes.writeBox("stbl") { table in
            table.writeFullBox("stsd") { box in
                box.writeInteger(UInt32(1))
                box.writeSampleEntry(track.track.codec)
            }
            table.writeFullBox("stts") { $0.writeZeros(4) }
            table.writeFullBox("stsc") { $0.writeZeros(4) }
            table.writeFullBox("stsz") { $0.writeZeros(8) }
            table.writeFullBox("stco") { $0.writeZeros(4) }
        }
    }

    private static func writeTrackExtends(_ track: MP4Track, into bytes: inout ByteBuffer) {
        bytes.writeFullBox("trex") { box in
            box.writeInteger(track.number)
            box.writeInteger(UInt32(1))
            box.writeZeros(12)
        }
    }
}
