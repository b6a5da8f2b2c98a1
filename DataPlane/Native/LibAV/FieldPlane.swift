/// One 8-bit plane of a picture made of two fields. The memory is somebody else's.
package struct FieldPlane {
    package struct Size: Hashable {
        package var width: Int
        package var height: Int

        package init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    /// What noise changes from one picture to the next.
    private static let stillMax: UInt8 = 10

    let start: UnsafeMutablePointer<UInt8>
    /// From one line to the next.
    let lineBytes: Int
    let size: Size

    package init(start: UnsafeMutablePointer<UInt8>, lineBytes: Int, size: Size) {
        self.start = start
        self.lineBytes = lineBytes
        self.size = size
    }

    private func line(_ number: Int) -> UnsafeMutablePointer<UInt8> { start + number * lineBytes }

    /// Writes the lines of one field (0 the upper, 1 the lower) anew. All planes are of one size.
    package func interpolate(field: Int, of source: FieldPlane, before: FieldPlane?) {
        guard size.height > 1 else { return }
        for number in stride(from: field, to: size.height, by: 2) {
            let above = number > 0 ? number - 1 : 1
            let below = number + 1 < size.height ? number + 1 : above
            write(
                line(number),
                own: source.line(number),
                between: (source.line(above), source.line(below)),
                before: before.map { ($0.line(number), $0.line(above)) }
            )
        }
    }

    private func write(
        _ target: UnsafeMutablePointer<UInt8>,
        own: UnsafeMutablePointer<UInt8>,
        between: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt8>),
        before: (own: UnsafeMutablePointer<UInt8>, above: UnsafeMutablePointer<UInt8>)?
    ) {
        for column in 0..<size.width {
            let (above, below) = (between.0[column], between.1[column])
            let isStill = before.map {
                Self.distance(own[column], $0.own[column]) <= Self.stillMax
                    && Self.distance(above, $0.above[column]) <= Self.stillMax
            }
            target[column] = isStill == true ? own[column] : (above & below) &+ ((above ^ below) >> 1)
        }
    }

    private static func distance(_ one: UInt8, _ other: UInt8) -> UInt8 { one > other ? one &- other : other &- one }
}
