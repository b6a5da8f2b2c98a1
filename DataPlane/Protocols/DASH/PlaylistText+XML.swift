import HLS
import Timebase

/// Attributes of a description.
extension PlaylistText {
    mutating func write(_ name: StaticString, _ duration: MediaTime) {
        write(name, milliseconds: duration.ticks / 90)
    }

    mutating func write(_ name: StaticString, sinceEpoch time: WallTime) {
        write(name, milliseconds: time.milliseconds)
    }

    private mutating func write(_ name: StaticString, milliseconds: Int64) {
        write(" ")
        write(name)
        write("=\"PT")
        write(thousandths: UInt64(max(milliseconds, 0)))
        write("S\"")
    }

    mutating func write(token: String?) {
        guard let token else { return }
        write("?token=")
        write(percentEncoding: token)
    }
}
