import ClusterModel
import Observability
import OutsideLinks
import RTMP
import Testing

struct LinkAddressTests {
    @Test(arguments: [
        ("rtmp://host/live/s1", "host", 1935, false, "live", "s1", ""),
        ("rtmps://host/live/s1?token=a=b", "host", 443, true, "live", "s1", "token=a=b"),
        ("RTMP://host:19350/app/instance/key", "host", 19_350, false, "app/instance", "key", ""),
        ("rtmp://user:p@ss@host/live/s1", "host", 1935, false, "live", "s1", ""),
        ("rtmp://[::1]:1936/live/s1", "::1", 1936, false, "live", "s1", ""),
    ])
    func `an RTMP URL names host, app and stream`(
        url: String,
        host: String,
        port: Int,
        isTLS: Bool,
        app: String,
        name: String,
        query: String
    ) throws {
        guard case .rtmp(let address) = try LinkAddress(url) else {
            Issue.record("\(url) is not RTMP")
            return
        }
        #expect(address.host == host && address.port == port && address.isTLS == isTLS)
        #expect(address.stream.app == app && address.stream.name == name && address.stream.query == query)
    }

    @Test func `an SRT URL holds stream ID, passphrase and latency`() throws {
        let url = "srt://host:4200?streamid=%23!::r=live/s1,m=publish&passphrase=correct%20horse&latency=500"
        guard case .srt(let address) = try LinkAddress(url) else {
            Issue.record("not SRT")
            return
        }
        #expect(address.host == "host" && address.port == 4200 && address.latency == .milliseconds(500))
        #expect(address.streamID == "#!::r=live/s1,m=publish")
        #expect(address.passphrase?.revealed == "correct horse")
    }

    @Test func `an SRT URL may say the length of the key, and that it calls`() throws {
        let url = "srt://host:4200?mode=caller&pbkeylen=32&passphrase=0123456789"
        guard case .srt(let address) = try LinkAddress(url) else {
            Issue.record("not SRT")
            return
        }
        #expect(address.keyBytes == 32 && address.latency == .milliseconds(200) && address.streamID == "")
    }

    @Test(arguments: [
        ("latency=120000", "latency"), ("latency=19", "latency"), ("latency=x", "latency"), ("latency", "latency"),
        ("mode=listener", "mode"), ("pbkeylen=20&passphrase=0123456789", "pbkeylen"), ("pbkeylen=16", "passphrase"),
        ("passphrase=012345678", "passphrase"), ("passphrase=\(String(repeating: "a", count: 80))", "passphrase"),
        ("transtype=file", "transtype"), ("streamid=a&streamid=b", "streamid"), ("Latency=200", "Latency"),
        ("streamid=\(String(repeating: "a", count: 513))", "streamid"), ("pkt_size=1316", "pkt_size"), ("=x", "''"),
    ])
    func `options that an SRT URL cannot have are named, and no value is told`(query: String, name: String) {
        let url = "srt://host:4200?\(query)"
        do throws(OutsideURL.Fault) {
            _ = try LinkAddress(url)
            Issue.record("\(query) is taken")
        } catch { #expect("\(error)".contains(name) && !"\(error)".contains("0123456")) }
    }

    @Test(arguments: [
        ("rtmp://host/live", OutsideURL.Fault.noStreamName), ("rtmp:///live/s1", .noHost),
        ("rtmp://host:0/live/s1", .noHost), ("rtmp://host:x/live/s1", .noHost), ("srt://host", .noHost),
        ("host/live/s1", .noHost), ("ftp://host/a", .scheme("ftp")), ("rtmp://[::1/live/s1", .noHost),
    ])
    func `what cannot be called is refused with the reason`(url: String, fault: OutsideURL.Fault) {
        #expect(throws: fault) { try LinkAddress(url) }
    }
}
