/// What anybody may ask a relay port without a ticket: whether somebody is there.
///
/// It is the relay protocol's keep-alive frame, sent before the hello; a live node sends the same back. A connection that
/// is merely accepted proves nothing: the kernel accepts for a process that is stopped.
package enum RelayPing {
    package static let frame: [UInt8] = [0x0F, 0, 0, 0, 0]
}
