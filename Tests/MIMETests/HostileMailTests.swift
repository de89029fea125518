import DeskModel
import Glibc
import MIME
import Testing

/// The inputs that kill or bloat mail parsers, at sizes that take milliseconds.
@Suite("Hostile mail") struct HostileMailTests {
    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    static let inputs: [(name: String, text: String)] = [
        ("nested groups", "To: \(repeated("g:", 20_000))\(repeated(";", 20_000))\n\nbody"),
        ("nested groups in Cc below", "Content-Type: message/rfc822\n\nCc: \(repeated("g:", 20_000))\n\nbody"),
        ("nested groups below", "Content-Type: message/rfc822\n\nTo: \(repeated("g:", 20_000))\n\nbody"),
        ("nested groups behind a quote", "Content-Type: message/rfc822\n\nTo: \" \(repeated("g:", 20_000))\n\nbody"),
        (
            "nested groups folded",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nCc:\n\(repeated(" g:\n", 5_000))\nx"
        ),
        (
            "nested groups in base64",
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nVG86IGc6ZzpnOmc6ZzpnOmc6ZzpnOmc6ZzpnOmc6\n"
        ),
        ("comments", "From: \(repeated("(", 20_000))a@example.org\n\nbody"),
        ("brackets", "From: \(repeated("<", 20_000))a@example.org\n\nbody"),
        ("recipients", "\(repeated("To: a@example.org\n", 5_000))\nbody"),
        ("addresses", "To: \(repeated("a@example.org,", 20_000))\n\nbody"),
        ("one field", "Subject: \(repeated("x", 1_000_000))\n\nbody"),
        ("encoded words", "Subject: \(repeated("=?utf-8?Q?a?= ", 4_000))\n\nbody"),
        ("half encoded words", "Subject: \(repeated("=?utf-8?Q?", 6_000))\n\nbody"),
        ("references", "References: \(repeated("<a@example.org> ", 4_000))\n\nbody"),
        (
            "parameters",
            "Content-Type: text/plain; \((0..<2_000).map { "name*\($0)=a" }.joined(separator: "; "))\n\nbody"
        ),
        (
            "siblings",
            "Content-Type: multipart/mixed; boundary=b\n\n\(repeated("--b\n\nx\n", 20_000))"
        ),
        (
            "multiparts",
            (0..<5_000).map { "Content-Type: multipart/mixed; boundary=b\($0)\n\n--b\($0)\n" }.joined() + "\nbody"
        ),
        ("messages", "\(repeated("Content-Type: message/rfc822\n\n", 5_000))\nbody"),
        ("folding", "Subject: a\n\(repeated(" \n", 20_000))\nbody"),
        ("no line ends", repeated("a", 100_000)),
        ("carriage returns", repeated("a: b\r", 20_000)),
    ]

    static let names = inputs.map(\.name)

    private static func bytes(_ name: String) throws -> [UInt8] {
        Array("From: a@example.org\n".utf8) + Array(try #require(Self.inputs.first { $0.name == name }).text.utf8)
    }

    @Test(arguments: names)
    func `is read within its limits`(name: String) throws {
        let mail = try MIMEParser.parse(Self.bytes(name))
        #expect(mail.leafTypes.count <= 2_100)
        #expect(mail.writtenTo.count <= 1_000)
        #expect(mail.bodyText.utf8.count <= MIMEParser.bodyLimit)
    }

    /// Threads of the runtime have small stacks on some systems.
    @Test(arguments: names)
    func `needs no more than half a megabyte of stack`(name: String) throws {
        let bytes = try Self.bytes(name)
        #expect(onSmallStack { MIMEParser.parse(bytes).headers.isEmpty } == false)
    }

    @Test(arguments: ["nested groups", "addresses", "one field", "siblings", "multiparts", "messages", "recipients"])
    func `is called suspicious`(name: String) throws {
        let verdict = try MIMEParser.inspect(Self.bytes(name))
        #expect(verdict != .plain)
    }

    @Test func `an ordinary mail is not suspicious`() {
        #expect(MIMEParser.inspect(Array("From: a@example.org\nSubject: x\n\nhello".utf8)) == .plain)
    }

    @Test func `any bytes give a message`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("From: <>\"\\()=?utf-8?B?;:,@\r\n\t -boundaryContent-Type: multipart/mixed\0\u{FF}--".utf8)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0...2_000, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let mail = MIMEParser.parse(bytes)
            #expect(!mail.bodyText.utf8.contains(0), "\(bytes)")
            #expect(!mail.subject.unicodeScalars.contains { $0.value < 0x20 }, "\(bytes)")
        }
    }
}

private final class Box {
    let body: () -> Bool
    var result: Bool?
    init(_ body: @escaping () -> Bool) { self.body = body }
}

/// Runs `body` on a thread with a stack of 512 KB.
private func onSmallStack(_ body: @escaping () -> Bool) -> Bool? {
    let box = Box(body)
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    pthread_attr_init(attributes)
    pthread_attr_setstacksize(attributes, 512 << 10)
    var thread: pthread_t = 0
    let status = pthread_create(
        &thread, attributes,
        { argument in
            let box = Unmanaged<Box>.fromOpaque(argument!).takeUnretainedValue()
            box.result = box.body()
            return nil
        }, Unmanaged.passUnretained(box).toOpaque())
    guard status == 0 else { return nil }
    pthread_join(thread, nil)
    pthread_attr_destroy(attributes)
    return box.result
}
