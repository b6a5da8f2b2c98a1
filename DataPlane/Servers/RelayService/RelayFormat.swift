import FanOut
package import MediaModel
import Relay
package import Streams

package import struct NIOCore.ByteBuffer

/// A live stream as relay frames: everything, unchanged, for nodes that package it themselves.
package struct RelayFormat: WireFormat {
    package init() {}

    package func prelude(tracks: [Track]) -> [ByteBuffer] { [] }

    package mutating func pieces(for item: StreamItem) -> [ByteBuffer]? { RelayWireForm.pieces(for: item) }

    package func pieces(for notice: StreamNotice) -> [ByteBuffer]? {
        switch notice {
        case .interrupted: [RelayFrame.state(.interrupted).encoded]
        case .resumed: [RelayFrame.state(.broadcasting).encoded]
        case .ended, .epochChanged, .fenced, .gap, .parentChanged: nil
        }
    }

    /// A child starts with a whole segment, so that it packages the same bytes as everybody.
    package func isStart(_ item: StreamItem) -> Bool {
        if case .cut(let mark) = item { mark.part == 0 } else { false }
    }
}
