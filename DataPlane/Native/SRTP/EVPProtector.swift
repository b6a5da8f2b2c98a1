package import SecureTransport

/// SRTP and SRTCP for what we send, over OpenSSL EVP (RFC 3711, RFC 7714).
package final class EVPProtector: SRTPProtector {
    private let suite: SRTPSuite
    private let rtp: EVPCipher
    private let rtcp: EVPCipher
    private var indices = SourceTable<PacketIndex>()
    /// One count for all sources is as good as one each: it only must not repeat (RFC 3711 §3.2.3).
    private var rtcpIndex: UInt32 = 0

    package convenience init(_ master: SRTPMasterKey, suite: SRTPSuite) throws(SRTPError) {
        let rtp = try SessionKeys(master, suite: suite, for: .rtp)
        try self.init(rtp: rtp, rtcp: SessionKeys(master, suite: suite, for: .rtcp), suite: suite)
    }

    /// With keys that are derived already.
    package init(rtp: SessionKeys, rtcp: SessionKeys, suite: SRTPSuite) throws(SRTPError) {
        self.suite = suite
        self.rtp = try EVPCipher(rtp, suite: suite, encrypts: true)
        self.rtcp = try EVPCipher(rtcp, suite: suite, encrypts: true)
    }

    package func protect(rtp bytes: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        let packet = UnsafeMutableRawBufferPointer(rebasing: bytes[..<length])
        guard bytes.count >= length + suite.tagBytes else { throw .malformed("no room for the tag") }
        let header = try SRTPWire.rtpHeader(UnsafeRawBufferPointer(packet))
        let index = indices.use(header.sequence, of: header.ssrc)
        let body = UnsafeMutableRawBufferPointer(rebasing: packet[header.length...])
        let tag = UnsafeMutableRawBufferPointer(rebasing: bytes[length..<(length + suite.tagBytes)])
        guard rtp.begin(ssrc: header.ssrc, index: index) else { throw .cryptography("no nonce could be set") }
        switch suite {
        case .aeadAES128GCM:
            let clear = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(packet)[..<header.length])
            guard rtp.authenticate(clear), rtp.transform(body), rtp.finish(tag: tag) else {
                throw .cryptography("AES-GCM failed")
            }
        case .aes128CMSHA1_80:
            guard rtp.transform(body),
                let digest = rtp.hmac(
                    UnsafeRawBufferPointer(packet),
                    followedBy: UInt32(truncatingIfNeeded: index >> 16)
                )
            else { throw .cryptography("AES-CM or HMAC-SHA1 failed") }
            tag.store(digest)
        }
        return length + suite.tagBytes
    }

    package func protect(rtcp bytes: UnsafeMutableRawBufferPointer, length: Int) throws(SRTPError) -> Int {
        let total = length + SRTPWire.rtcpIndexBytes + suite.tagBytes
        guard bytes.count >= total else { throw .malformed("no room for the tag") }
        let packet = UnsafeMutableRawBufferPointer(rebasing: bytes[..<length])
        let ssrc = try SRTPWire.rtcpSource(UnsafeRawBufferPointer(packet))
        rtcpIndex = (rtcpIndex + 1) & ~SRTPWire.encryptedFlag
        let word = rtcpIndex | SRTPWire.encryptedFlag
        let body = UnsafeMutableRawBufferPointer(rebasing: packet[SRTPWire.rtcpHeaderBytes...])
        guard rtcp.begin(ssrc: ssrc, index: UInt64(rtcpIndex)) else { throw .cryptography("no nonce could be set") }
        switch suite {
        case .aeadAES128GCM:
            // Tag, then the index (RFC 7714 §9.2).
            let tag = UnsafeMutableRawBufferPointer(rebasing: bytes[length..<(length + suite.tagBytes)])
            SRTPWire.store(word, bytes, length + suite.tagBytes)
            guard authenticateRTCP(UnsafeRawBufferPointer(packet), word), rtcp.transform(body), rtcp.finish(tag: tag)
            else { throw .cryptography("AES-GCM failed") }
        case .aes128CMSHA1_80:
            // The index, then the tag over both (RFC 3711 §3.4).
            SRTPWire.store(word, bytes, length)
            let signed = UnsafeRawBufferPointer(rebasing: bytes[..<(length + SRTPWire.rtcpIndexBytes)])
            guard rtcp.transform(body), let digest = rtcp.hmac(signed, followedBy: nil) else {
                throw .cryptography("AES-CM or HMAC-SHA1 failed")
            }
            UnsafeMutableRawBufferPointer(rebasing: bytes[signed.count..<total]).store(digest)
        }
        return total
    }

    private func authenticateRTCP(_ packet: UnsafeRawBufferPointer, _ word: UInt32) -> Bool {
        rtcp.authenticate(UnsafeRawBufferPointer(rebasing: packet[..<SRTPWire.rtcpHeaderBytes]))
            && withUnsafeBytes(of: word.bigEndian) { rtcp.authenticate($0) }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The ten bytes of a truncated HMAC, in the order they came out.
    func store(_ digest: (UInt64, UInt16)) {
        storeBytes(of: digest.0, toByteOffset: 0, as: UInt64.self)
        storeBytes(of: digest.1, toByteOffset: 8, as: UInt16.self)
    }
}
