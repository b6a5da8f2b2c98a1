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

    @Test(arguments: [
        ("rtmp://host/live", OutsideURL.Fault.noStreamName), ("rtmp:///live/s1", .noHost),
        ("rtmp://host:0/live/s1", .noHost), ("rtmp://host:x/live/s1", .noHost), ("srt://host", .noHost),
        ("host/live/s1", .noHost), ("ftp://host/a", .scheme("ftp")), ("rtmp://[::1/live/s1", .noHost),
    ])
    func `what cannot be called is refused with the reason`(url: String, fault: OutsideURL.Fault) {
        #expect(throws: fault) { try LinkAddress(url) }
    }
}
