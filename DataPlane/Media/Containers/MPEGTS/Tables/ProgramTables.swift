import Bytes

package import struct NIOCore.ByteBuffer

/// Which programs there are, and where their maps are (ISO/IEC 13818-1 §2.4.4.4).
package struct ProgramAssociation: Hashable, Sendable {
    package struct Program: Hashable, Sendable {
        package let number: UInt16
        package let mapPID: PID

        package init(number: UInt16, mapPID: PID) {
            self.number = number
            self.mapPID = mapPID
        }
    }

    /// Without the network table, which has the number 0.
    package let programs: [Program]

    package init(programs: [Program]) { self.programs = programs }

    package init(_ section: PSISection) {
        var body = section.body
        var programs: [Program] = []
        while let number = body.readInteger(as: UInt16.self), let pid = body.readInteger(as: UInt16.self) {
            if number != 0 { programs.append(Program(number: number, mapPID: PID(pid))) }
        }
        self.programs = programs
    }

    package func section(version: UInt8) -> PSISection {
        var body = ByteBuffer()
        for program in programs {
            body.writeInteger(program.number)
            body.writeInteger(0xE000 | program.mapPID.value)
        }
        return PSISection(table: .programAssociation, tableExtension: 1, version: version, body: body)
    }
}

/// What a program is made of (ISO/IEC 13818-1 §2.4.4.9).
package struct ProgramMap: Hashable, Sendable {
    package struct Stream: Hashable, Sendable {
        package let type: UInt8
        package let pid: PID
        package let descriptors: [Descriptor]

        package init(type: UInt8, pid: PID, descriptors: [Descriptor] = []) {
            self.type = type
            self.pid = pid
            self.descriptors = descriptors
        }
    }

    package struct Descriptor: Hashable, Sendable {
        package let tag: UInt8
        package let body: ByteBuffer

        package init(tag: UInt8, body: ByteBuffer) {
            self.tag = tag
            self.body = body
        }
    }

    package let clockPID: PID
    package let streams: [Stream]

    package init(clockPID: PID, streams: [Stream]) {
        self.clockPID = clockPID
        self.streams = streams
    }

    /// Nil when a length inside does not fit.
    package init?(_ section: PSISection) {
        var reader = ByteReader(section.body)
        do throws(ByteReader.Underflow) {
            clockPID = PID(try reader.integer(as: UInt16.self))
            try reader.skip(Int(try reader.integer(as: UInt16.self) & 0xFFF))
            var streams: [Stream] = []
            while !reader.isEmpty {
                let type = try reader.integer(as: UInt8.self)
                let pid = PID(try reader.integer(as: UInt16.self))
                let info = try reader.slice(Int(try reader.integer(as: UInt16.self) & 0xFFF))
                streams.append(Stream(type: type, pid: pid, descriptors: Self.descriptors(info)))
            }
            self.streams = streams
        } catch { return nil }
    }

    package func section(version: UInt8) -> PSISection {
        var body = ByteBuffer()
        body.writeInteger(0xE000 | clockPID.value)
        body.writeInteger(UInt16(0xF000))
        for stream in streams {
            var info = ByteBuffer()
            for descriptor in stream.descriptors {
                info.writeInteger(descriptor.tag)
                info.writeInteger(UInt8(truncatingIfNeeded: descriptor.body.readableBytes))
                info.writeImmutableBuffer(descriptor.body)
            }
            body.writeInteger(stream.type)
            body.writeInteger(0xE000 | stream.pid.value)
            body.writeInteger(0xF000 | UInt16(info.readableBytes))
            body.writeImmutableBuffer(info)
        }
        return PSISection(table: .programMap, tableExtension: 1, version: version, body: body)
    }

    private static func descriptors(_ bytes: ByteBuffer) -> [Descriptor] {
        var bytes = bytes
        var descriptors: [Descriptor] = []
        while let tag = bytes.readInteger(as: UInt8.self), let length = bytes.readInteger(as: UInt8.self),
            let body = bytes.readSlice(length: Int(length))
        {
            descriptors.append(Descriptor(tag: tag, body: body))
        }
        return descriptors
    }
}
