import LibAV
import Testing

@Suite struct FieldPlaneTests {
    private static let size = FieldPlane.Size(width: 4, height: 6)

    /// The result of making the lower field of `picture` anew; each number is a line of four equal bytes.
    private func interpolated(_ picture: [UInt8], before: [UInt8]?) -> [UInt8] {
        var (picture, before) = (picture.flatMap { [$0, $0, $0, $0] }, before?.flatMap { [$0, $0, $0, $0] })
        var target = picture
        picture.withUnsafeMutableBufferPointer { picture in
            target.withUnsafeMutableBufferPointer { target in
                guard let source = plane(picture), let result = plane(target) else { return }
                guard before != nil else { return result.interpolate(field: 1, of: source, before: nil) }
                before?.withUnsafeMutableBufferPointer { before in
                    result.interpolate(field: 1, of: source, before: plane(before))
                }
            }
        }
        return stride(from: 0, to: target.count, by: 4).map { target[$0] }
    }

    private func plane(_ memory: UnsafeMutableBufferPointer<UInt8>) -> FieldPlane? {
        memory.baseAddress.map { FieldPlane(start: $0, lineBytes: 4, size: Self.size) }
    }

    @Test func `lines that moved are made of their neighbours, the last of its only one`() {
        let combed: [UInt8] = [10, 200, 20, 200, 40, 200]
        #expect(interpolated(combed, before: nil) == [10, 15, 20, 30, 40, 40])
        #expect(interpolated(combed, before: [10, 100, 20, 100, 40, 100]) == [10, 15, 20, 30, 40, 40])
    }

    @Test func `lines that stand still stay as sharp as they are`() {
        let still: [UInt8] = [10, 200, 20, 200, 40, 200]
        #expect(interpolated(still, before: [12, 195, 20, 200, 40, 203]) == still)
        // Its own line did not change, but the one above did.
        #expect(interpolated(still, before: [90, 200, 20, 200, 40, 200]) == [10, 15, 20, 200, 40, 200])
    }
}
