import Settings
import Testing

@Suite struct SettingValueTests {
    @Test(
        arguments: [
            ("0.0.0.0:5070", ListenAddress(host: "0.0.0.0", port: 5070)),
            ("[::]:5070", ListenAddress(host: "::", port: 5070)),
            ("localhost:0", ListenAddress(host: "localhost", port: 0)),
            ("::5070", nil), ("5070", nil), ("[::5070", nil), ("1.2.3:80", nil), ("a b:80", nil), ("a:65536", nil),
            ("a:", nil),
            (":80", nil), ("[1.2.3.4]:80", nil), ("a:-1", nil),
        ] as [(String, ListenAddress?)]
    )
    func `a listen address is a host and a port`(text: String, address: ListenAddress?) {
        #expect(ListenAddress(text) == address)
        if let address { #expect(address.description == text) }
    }

    @Test(
        arguments: [
            ("30s", .seconds(30)), ("500ms", .milliseconds(500)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
            ("7", .seconds(7)), ("7 s", .seconds(7)), ("", nil), ("s", nil), ("-1s", nil), ("1d", nil), ("1.5s", nil),
            ("9223372036854775807h", nil),
        ] as [(String, Duration?)]
    )
    func `a duration has a unit or the setting's`(text: String, duration: Duration?) {
        #expect(DurationUnit.parse(text, plain: .seconds) == duration)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.0/23", "10.1.3.9", true), ("10.1.2.0/23", "10.1.4.0", false), ("0.0.0.0/0", "8.8.8.8", true),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("10.0.0.0/8", "::ffff:10.0.0.1", true), ("::/0", "10.0.0.1", false),
    ])
    func `a range holds the addresses that share its prefix`(range: String, address: String, isInside: Bool) throws {
        let range = try #require(AddressRange(range))
        let address = try #require(IPAddress(address))
        #expect(range.contains(address) == isInside)
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0", "a/8", "10.0.0.0/", "::/129", ""])
    func `what is no range is refused`(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test(arguments: [
        ("http://a", true), ("https://a:1/x", true), ("http://[::1]:5070", true), ("http://[::1]", true),
        ("http://", false), ("http://:80", false), ("http://a:99999", false), ("a:80", false), ("http://a,", false),
        ("", false),
    ])
    func `a list of addresses holds nothing else`(text: String, isAllowed: Bool) {
        #expect((SettingType.urls().parse(text) != nil) == isAllowed)
    }
}
