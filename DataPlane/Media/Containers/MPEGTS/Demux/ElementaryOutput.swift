import MediaModel

import struct NIOCore.ByteBuffer

/// What an elementary stream's parser finds, in order.
enum ElementaryOutput: Hashable, Sendable {
    /// Of all units that follow.
    case parameters(CodecParameters)
    case unit(ElementaryUnit)
    /// A unit was left out because parts of it are missing.
    case damaged
}

struct ElementaryUnit: Hashable, Sendable {
    /// Nil: it begins where the one before it ends.
    var stamps: PESStamps?
    var isKeyframe: Bool
    /// 90 kHz ticks it lasts; nil for video, whose pictures follow each other as their stamps say.
    var duration: Int64?
    var payload: ByteBuffer
}
