import MailTransport
import Testing

@testable import martlet

@Suite("Quantity") struct QuantityTests {
    @Test(arguments: [
        ("30s", Duration.seconds(30)), ("15m", .seconds(900)), ("24h", .seconds(86_400)), ("30d", .seconds(2_592_000)),
        ("250ms", .milliseconds(250)), ("1h30m", .seconds(5_400)), (" 5 S", nil), ("0s", .zero),
    ])
    func `reads durations`(text: String, expected: Duration?) {
        #expect(Quantity.duration(text) == expected)
    }

    @Test(arguments: ["", "30", "s", "-5s", "1.5h", "30 s x", "5y", "99999999999999999999s", "五s"])
    func `refuses what is no duration`(text: String) {
        #expect(Quantity.duration(text) == nil)
    }

    @Test(arguments: [("25MB", 25 << 20), ("25 MiB", 25 << 20), ("512kb", 512 << 10), ("1GB", 1 << 30), ("12B", 12)])
    func `reads sizes`(text: String, expected: Int) {
        #expect(Quantity.size(text) == expected)
    }

    @Test(arguments: ["", "25", "MB", "-1MB", "1.5MB", "9999999999999GB"])
    func `refuses what is no size`(text: String) {
        #expect(Quantity.size(text) == nil)
    }

    @Test(arguments: ["30s", "15m", "1d", "30d", "250ms", "90s"])
    func `writes the durations that it reads`(text: String) throws {
        let duration = try #require(Quantity.duration(text))
        #expect(Quantity.duration(Quantity.text(duration)) == duration)
    }
}

@Suite("MailURL") struct MailURLTests {
    @Test(arguments: [
        ("imaps://imap.shop.example", 993, true), ("imap://imap.shop.example", 143, false),
        ("imaps://imap.shop.example:1993/", 1_993, true), ("IMAPS://[::1]:55", 55, true),
    ])
    func `knows the usual ports`(text: String, port: Int, isTLS: Bool) throws {
        let url = try MailURL(text, service: .imap)
        #expect(url.port == port)
        #expect(url.isTLS == isTLS)
    }

    @Test(arguments: [
        "imap.shop.example", "smtp://imap.shop.example", "imaps://", "imaps://user@host", "imaps://host/INBOX",
        "imaps://host:0", "imaps://host:99999", "imaps://host:x", "imaps://ho st", "imaps://hö",
    ])
    func `refuses what is no server`(text: String) {
        #expect(throws: ConfigurationComplaint.self) { try MailURL(text, service: .imap) }
    }

    @Test func `without TLS it is STARTTLS unless the link stays on this machine`() throws {
        let remote = try MailURL("smtp://smtp.shop.example", service: .smtp)
        #expect(remote.endpoint(caFile: nil, allowsCleartext: false).security == .startTLS)
        let local = try MailURL("smtp://127.0.0.1:2525", service: .smtp)
        #expect(local.isLoopback)
        #expect(local.endpoint(caFile: nil, allowsCleartext: true).security == .none)
        #expect(!remote.isLoopback)
        #expect(try !MailURL("smtp://127.example.com", service: .smtp).isLoopback)
    }
}
