package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// A frame that came whole, in decoding order, with everything it depends on.
package struct ReceivedFrame: Hashable, Sendable {
    package var codec: RTPCodec
    /// Extended beyond 32 bits; in ticks of the codec's clock.
    package var timestamp: Int64
    package var isKeyframe: Bool
    package var payload: ByteBuffer
    /// When its first packet came.
    package var arrival: MonotonicInstant
    package var captureTime: AbsoluteCaptureTime?

    package init(
        codec: RTPCodec,
        timestamp: Int64,
        isKeyframe: Bool,
        payload: ByteBuffer,
        arrival: MonotonicInstant,
        captureTime: AbsoluteCaptureTime? = nil
    ) {
        self.codec = codec
        self.timestamp = timestamp
        self.isKeyframe = isKeyframe
        self.payload = payload
        self.arrival = arrival
        self.captureTime = captureTime
    }
}

/// Cuts the ordered packets of one stream into frames: a frame is what has one timestamp, and the marker ends it.
///
/// After a gap, video is held back until a keyframe: what is in between refers to pictures that never came.
struct FrameAssembler: Sendable {
    private let codec: RTPCodec
    private let extensions: HeaderExtensionMap
    private var depacketizer: any Depacketizer
    private var timestamps = Unwrapper<UInt32>()
    private var open: (timestamp: Int64, arrival: MonotonicInstant, captureTime: AbsoluteCaptureTime?)?
    /// The rest of the frame with this timestamp is of no use.
    private var spoilt: Int64?
    private(set) var needsKeyframe: Bool
    /// Frames given up because something of them, or before them, was lost.
    private(set) var framesDropped: Int64 = 0

    init(codec: RTPCodec, extensions: HeaderExtensionMap, limits: DepacketizationLimits) {
        self.codec = codec
        self.extensions = extensions
        depacketizer = codec.makeDepacketizer(limits: limits)
        needsKeyframe = codec.isVideo
    }

    func extended(_ timestamp: UInt32) -> Int64 { timestamps.peek(timestamp) }

    func mayBeginFrame(_ packet: RTPPacket) -> Bool { depacketizer.mayBeginFrame(packet.payload) }

    mutating func push(_ delivery: JitterBuffer.Delivery) -> [ReceivedFrame] {
        let packet = delivery.packet
        var frames: [ReceivedFrame] = []
        let timestamp = timestamps.unwrap(packet.timestamp)
        if delivery.followsGap { gap(before: packet, timestamp) }
        if let open, open.timestamp != timestamp { frames += finish() }
        // Padding probes have a place in the sequence and nothing else.
        guard packet.payload.readableBytes > 0 else { return frames }
        guard spoilt != timestamp else { return frames }
        spoilt = nil
        if open == nil { open = (timestamp, delivery.arrival, captureTime(of: packet)) }
        do {
            try depacketizer.append(packet.payload)
        } catch {
            spoil(timestamp)
            return frames
        }
        if packet.marker || !codec.isVideo { frames += finish() }
        return frames
    }

    /// Senders tell it with a frame's first packet.
    private func captureTime(of packet: RTPPacket) -> AbsoluteCaptureTime? {
        guard extensions.id(of: .absoluteCaptureTime) != nil else { return nil }
        return extensions.read(packet.headerExtension).absoluteCaptureTime
    }

    private mutating func gap(before packet: RTPPacket, _ timestamp: Int64) {
        if let open { spoil(open.timestamp) }
        needsKeyframe = codec.isVideo
        if packet.payload.readableBytes > 0, !depacketizer.mayBeginFrame(packet.payload) { spoil(timestamp) }
    }

    private mutating func spoil(_ timestamp: Int64) {
        if spoilt != timestamp { framesDropped += 1 }
        depacketizer.reset()
        open = nil
        spoilt = timestamp
        needsKeyframe = codec.isVideo
    }

    private mutating func finish() -> [ReceivedFrame] {
        guard let finished = open else { return [] }
        open = nil
        let frame: DepacketizedFrame?
        do {
            frame = try depacketizer.finishFrame()
        } catch {
            spoil(finished.timestamp)
            return []
        }
        guard let frame else { return [] }
        if frame.isKeyframe { needsKeyframe = false }
        guard !needsKeyframe else {
            framesDropped += 1
            return []
        }
        return [
            ReceivedFrame(
                codec: codec,
                timestamp: finished.timestamp,
                isKeyframe: frame.isKeyframe,
                payload: frame.payload,
                arrival: finished.arrival,
                captureTime: finished.captureTime
            )
        ]
    }
}
