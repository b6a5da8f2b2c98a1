import EngineModel
import MediaModel
import Relay
import TestSupport
import Timebase

import struct NIOCore.ByteBuffer

let start = MonotonicInstant(nanoseconds: 1_000_000_000)

/// A child and a parent joined by a pipe that cuts the bytes in places its seed chooses.
struct RelayPair: ~Copyable {
    var child: RelayChildSession
    var parent: RelayParentSession
    var childEvents: [RelayChildSession.Event] = []
    var parentEvents: [RelayParentSession.Event] = []
    private(set) var childCloses = 0
    private(set) var parentCloses = 0
    private var toChild = ByteBuffer()
    private var toParent = ByteBuffer()
    private var random: SplitMix64

    static let hello = RelayHello(app: "live", id: "s1", child: "e1", ticket: "t", haveEpoch: nil)
    static let accept = RelayAccept(
        epoch: Epoch(4),
        hops: ["o1"],
        state: .broadcasting,
        tracks: RelayVector.everyCodec
    )

    init(_ hello: RelayHello = Self.hello, limits: RelayLimits = RelayLimits(), seed: UInt64 = 1) {
        child = RelayChildSession(hello, limits: limits, at: start)
        parent = RelayParentSession(limits: limits, at: start)
        random = SplitMix64(seed: seed)
    }

    /// A pair in which media flows.
    static func serving(limits: RelayLimits = RelayLimits(), seed: UInt64 = 1) -> RelayPair {
        var pair = RelayPair(limits: limits, seed: seed)
        pair.run()
        pair.parent.accept(accept)
        pair.run()
        pair.childEvents = []
        pair.parentEvents = []
        return pair
    }

    /// Lets both talk until neither has anything left to say.
    mutating func run(at now: MonotonicInstant = start) {
        while true {
            collect()
            let forParent = toParent.readRandomSlice(using: &random)
            let forChild = toChild.readRandomSlice(using: &random)
            if let forParent { parent.receive(forParent, at: now) }
            if let forChild { child.receive(forChild, at: now) }
            if forParent == nil, forChild == nil { return }
        }
    }

    mutating func send(_ item: StreamItem) {
        collect()
        for piece in RelayWireForm.pieces(for: item) { toChild.writeImmutableBuffer(piece) }
    }

    mutating func sendToParent(_ frame: RelayFrame) { toParent.writeImmutableBuffer(frame.encoded) }
    mutating func sendToChild(_ frame: RelayFrame) { toChild.writeImmutableBuffer(frame.encoded) }

    private mutating func collect() {
        while let output = child.nextOutput() {
            switch output {
            case .transmit(let bytes): toParent.writeImmutableBuffer(bytes)
            case .event(let event): childEvents.append(event)
            case .close: childCloses += 1
            }
        }
        while let output = parent.nextOutput() {
            switch output {
            case .transmit(let bytes): toChild.writeImmutableBuffer(bytes)
            case .event(let event): parentEvents.append(event)
            case .close: parentCloses += 1
            }
        }
        if let slice = parent.nextObjectSlice() { toChild.writeImmutableBuffer(slice) }
    }
}

extension ByteBuffer {
    fileprivate mutating func readRandomSlice(using random: inout SplitMix64) -> ByteBuffer? {
        guard readableBytes > 0 else { return nil }
        return readSlice(length: min(readableBytes, Int.random(in: 1...9000, using: &random)))
    }
}
