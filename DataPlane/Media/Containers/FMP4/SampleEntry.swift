import Bytes
import Codecs
import MediaModel

import struct NIOCore.ByteBuffer

extension ByteBuffer {
    /// The `stsd` entry of a track (ISO/IEC 14496-12 §8.5.2 and each codec's own binding).
    mutating func writeSampleEntry(_ codec: CodecParameters) {
        switch codec {
        case .h264(let configuration, let width, let height):
            writeVisualEntry("avc1", width: width, height: height, box: "avcC", configuration)
        case .h265(let configuration, let width, let height):
            writeVisualEntry("hvc1", width: width, height: height, box: "hvcC", configuration)
        case .av1(let configuration, let width, let height):
            writeVisualEntry("av01", width: width, height: height, box: "av1C", configuration)
        case .vp9(let configuration, let width, let height):
            // The box is a full one of version 1 (VP Codec ISO Media File Format Binding §2.2).
            var box = ByteBuffer(integer: UInt32(1) << 24)
            box.writeImmutableBuffer(configuration)
            writeVisualEntry("vp09", width: width, height: height, box: "vpcC", box)
        case .aac(let configuration, let sampleRate, let channels):
            writeAudioEntry("mp4a", sampleRate: sampleRate, channels: channels) {
                $0.writeElementaryStreamDescriptor(objectType: 0x40, configuration: configuration)
            }
        case .mp3(let sampleRate, let channels):
            writeAudioEntry("mp4a", sampleRate: sampleRate, channels: channels) {
                $0.writeElementaryStreamDescriptor(objectType: 0x6B, configuration: nil)
            }
        case .ac3(let configuration, let sampleRate, let channels):
            writeAudioEntry("ac-3", sampleRate: sampleRate, channels: channels) {
                $0.writeBox("dac3") { $0.writeImmutableBuffer(configuration) }
            }
        case .opus(let configuration, let channels):
            writeAudioEntry("Opus", sampleRate: OpusHead.sampleRate, channels: channels) {
                $0.writeOpusSpecificBox(configuration)
            }
        case .vp8, .data: break
        }
    }

    private mutating func writeVisualEntry(
        _ type: FourCC,
        width: Int,
        height: Int,
        box: FourCC,
        _ configuration: ByteBuffer
    ) {
        writeBox(type) { entry in
            entry.writeZeros(6)
            entry.writeInteger(UInt16(1))
            entry.writeZeros(16)
            entry.writeInteger(UInt16(clamping: width))
            entry.writeInteger(UInt16(clamping: height))
            // 72 dpi both ways, one frame a sample, no compressor name, 24 bits deep
            entry.writeInteger(UInt32(0x0048_0000))
            entry.writeInteger(UInt32(0x0048_0000))
            entry.writeZeros(4)
            entry.writeInteger(UInt16(1))
            entry.writeZeros(32)
            entry.writeInteger(UInt16(0x0018))
            entry.writeInteger(Int16(-1))
            entry.writeBox(box) { $0.writeImmutableBuffer(configuration) }
        }
    }

    private mutating func writeAudioEntry(
        _ type: FourCC,
        sampleRate: Int,
        channels: Int,
        _ box: (inout ByteBuffer) -> Void
    ) {
        writeBox(type) { entry in
            entry.writeZeros(6)
            entry.writeInteger(UInt16(1))
            entry.writeZeros(8)
            entry.writeInteger(UInt16(clamping: channels))
            entry.writeInteger(UInt16(16))
            entry.writeZeros(4)
            // 16.16 fixed point; rates above 65,535 do not fit and are read from the configuration
            entry.writeInteger(sampleRate <= 0xFFFF ? UInt32(sampleRate) << 16 : 0)
            box(&entry)
        }
    }

    /// `esds` (ISO/IEC 14496-14 §5.6) around the descriptors of ISO/IEC 14496-1 §7.2.6.
    private mutating func writeElementaryStreamDescriptor(objectType: UInt8, configuration: ByteBuffer?) {
        writeFullBox("esds") { box in
            box.writeDescriptor(tag: 0x03) { stream in
                stream.writeZeros(3)
                stream.writeDescriptor(tag: 0x04) { decoder in
                    decoder.writeInteger(objectType)
                    // audio stream, upstream 0, reserved 1; buffer size and bit rates unknown
                    decoder.writeInteger(UInt8(0x15))
                    decoder.writeZeros(11)
                    if let configuration {
                        decoder.writeDescriptor(tag: 0x05) { $0.writeImmutableBuffer(configuration) }
                    }
                }
                stream.writeDescriptor(tag: 0x06) { $0.writeInteger(UInt8(0x02)) }
            }
        }
    }

    /// §8.3.3: a length of 7-bit groups, most significant first; always four here.
    private mutating func writeDescriptor(tag: UInt8, _ body: (inout ByteBuffer) -> Void) {
        var content = ByteBuffer()
        body(&content)
        let length = UInt32(content.readableBytes)
        writeInteger(tag)
        for shift: UInt32 in [21, 14, 7] { writeInteger(UInt8(truncatingIfNeeded: length >> shift) | 0x80) }
        writeInteger(UInt8(truncatingIfNeeded: length) & 0x7F)
        writeBuffer(&content)
    }

    /// `dOps` (Encapsulation of Opus in ISOBMFF §4.3.2): OpusHead without its magic, big-endian, version 0.
    private mutating func writeOpusSpecificBox(_ configuration: ByteBuffer) {
        guard let head = try? OpusHead(parsing: configuration) else { return }
        writeBox("dOps") { box in
            box.writeInteger(UInt8(0))
            box.writeInteger(UInt8(clamping: head.channels))
            box.writeInteger(head.preSkip)
            box.writeInteger(head.inputSampleRate)
            box.writeInteger(head.outputGain)
            box.writeInteger(head.mappingFamily)
            box.writeBytes(head.mappingTable)
        }
    }
}
