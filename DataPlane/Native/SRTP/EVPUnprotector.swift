package import SecureTransport

/// SRTP and SRTCP for what a peer sends, over OpenSSL EVP (RFC 3711, RFC 7714).
package final class EVPUnprotector: SRTPUnprotector {
    private struct Source {
        var index = PacketIndex()
        var window = ReplayWindow()
        var rtcpWindow = ReplayWindow()
    }

    private let suite: SRTPSuite
    private let rtp: EVPCipher
    private let rtcp: EVPCipher
    private var sources = SourceTable<Source>()

    package convenience init(_ master: SRTPMasterKey, suite: SRTPSuite) throws(SRTPError) {
        let rtp = try SessionKeys(master, suite: suite, for: .rtp)
        try self.init(rtp: rtp, rtcp: SessionKeys(master, suite: suite, for: .rtcp), suite: suite)
    }

    /// With keys that are derived already.
    package init(rtp: SessionKeys, rtcp: SessionKeys, suite: SRTPSuite) throws(SRTPError) {
        self.suite = suite
        self.rtp = try EVPCipher(rtp, suite: suite, encrypts: false)
        self.rtcp = try EVPCipher(rtcp, suite: suite, encrypts: false)
    }

    package func unprotect(rtp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        let length = bytes.count - suite.tagBytes
        let header = try SRTPWire.rtpHeader(UnsafeRawBufferPointer(bytes))
        guard length >= header.length else { throw .malformed("no tag") }
        // The state of a source is made only when its first packet has proved itself.
        let place = sources.index(of: header.ssrc)
        var source = place.map { sources[$0] } ?? Source()
        let index = source.index.estimate(header.sequence)
        guard source.window.admits(index) else { throw .replayed }
        try open(bytes, length: length, header: header, index: index)
        source.index.use(index)
        source.window.accept(index)
        try keep(source, header.ssrc, at: place)
        return length
    }

    private func open(
        _ bytes: UnsafeMutableRawBufferPointer,
        length: Int,
        header: SRTPWire.RTPHeader,
        index: UInt64
    ) throws(SRTPError) {
        let body = UnsafeMutableRawBufferPointer(rebasing: bytes[header.length..<length])
        let tag = UnsafeMutableRawBufferPointer(rebasing: bytes[length...])
        guard rtp.begin(ssrc: header.ssrc, index: index) else { throw .cryptography("no nonce could be set") }
        switch suite {
        case .aeadAES128GCM:
            let clear = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<header.length])
            guard rtp.authenticate(clear), rtp.transform(body), rtp.finish(checking: tag) else {
                throw .unauthenticated
            }
        case .aes128CMSHA1_80:
            let signed = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<length])
            let digest = rtp.hmac(signed, followedBy: UInt32(truncatingIfNeeded: index >> 16))
            guard tag.equals(digest) else { throw .unauthenticated }
            guard rtp.transform(body) else { throw .cryptography("AES-CM failed") }
        }
    }

    package func unprotect(rtcp bytes: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        let ssrc = try SRTPWire.rtcpSource(UnsafeRawBufferPointer(bytes))
        let length = bytes.count - suite.tagBytes - SRTPWire.rtcpIndexBytes
        guard length >= SRTPWire.rtcpHeaderBytes else { throw .malformed("no tag") }
        let wordAt = suite == .aeadAES128GCM ? length + suite.tagBytes : length
        let word = SRTPWire.word(UnsafeRawBufferPointer(bytes), wordAt)
        let index = UInt64(word & ~SRTPWire.encryptedFlag)
        let place = sources.index(of: ssrc)
        var source = place.map { sources[$0] } ?? Source()
        guard source.rtcpWindow.admits(index) else { throw .replayed }
        guard rtcp.begin(ssrc: ssrc, index: index) else { throw .cryptography("no nonce could be set") }
        switch suite {
        case .aeadAES128GCM: try openAEAD(bytes, length: length, word: word)
        case .aes128CMSHA1_80: try openHMAC(bytes, length: length, word: word)
        }
        source.rtcpWindow.accept(index)
        try keep(source, ssrc, at: place)
        return length
    }

    /// Without the E flag everything is only authenticated (RFC 7714 §9.3).
    private func openAEAD(_ bytes: UnsafeMutableRawBufferPointer, length: Int, word: UInt32) throws(SRTPError) {
        let isEncrypted = word & SRTPWire.encryptedFlag != 0
        let clearLength = isEncrypted ? SRTPWire.rtcpHeaderBytes : length
        let clear = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<clearLength])
        let body = UnsafeMutableRawBufferPointer(rebasing: bytes[clearLength..<length])
        let tag = UnsafeMutableRawBufferPointer(rebasing: bytes[length..<(length + suite.tagBytes)])
        guard rtcp.authenticate(clear), withUnsafeBytes(of: word.bigEndian, { rtcp.authenticate($0) }),
            body.isEmpty || rtcp.transform(body), rtcp.finish(checking: tag)
        else { throw .unauthenticated }
    }

    private func openHMAC(_ bytes: UnsafeMutableRawBufferPointer, length: Int, word: UInt32) throws(SRTPError) {
        let signedLength = length + SRTPWire.rtcpIndexBytes
        let signed = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<signedLength])
        let tag = UnsafeMutableRawBufferPointer(rebasing: bytes[signedLength...])
        guard tag.equals(rtcp.hmac(signed, followedBy: nil)) else { throw .unauthenticated }
        guard word & SRTPWire.encryptedFlag != 0 else { return }
        let body = UnsafeMutableRawBufferPointer(rebasing: bytes[SRTPWire.rtcpHeaderBytes..<length])
        guard rtcp.transform(body) else { throw .cryptography("AES-CM failed") }
    }

    private func keep(_ source: Source, _ ssrc: UInt32, at place: Int?) throws(SRTPError) {
        if let place {
            sources[place] = source
        } else {
            guard sources.count < SRTP.sourcesMax else { throw .tooManySources(max: SRTP.sourcesMax) }
            sources.add(ssrc, source)
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// In the same time wherever the difference lies.
    fileprivate func equals(_ digest: (UInt64, UInt16)?) -> Bool {
        guard let digest, count == 10 else { return false }
        let first = loadUnaligned(fromByteOffset: 0, as: UInt64.self) ^ digest.0
        let second = loadUnaligned(fromByteOffset: 8, as: UInt16.self) ^ digest.1
        return first | UInt64(second) == 0
    }
}
