import DeskModel
import TestSupport
import Testing

@testable import MailTransport

/// Answers of IMAP servers, bent and cut at random.
@Suite("Random IMAP answers", .timeLimit(.minutes(60))) struct ResponseFuzzTests {
    private static let answers = [
        "* OK [CAPABILITY IMAP4rev1 SASL-IR IDLE LITERAL+ UIDPLUS] ready\r\n",
        "* CAPABILITY IMAP4rev1 CONDSTORE QRESYNC MOVE ESEARCH SPECIAL-USE\r\n", "* 23 EXISTS\r\n", "* 3 EXPUNGE\r\n",
        "* VANISHED (EARLIER) 1:5,7\r\n", "* FLAGS (\\Answered \\Seen $label1)\r\n",
        "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] limited\r\n", "* OK [UIDVALIDITY 1767600000] valid\r\n",
        "* OK [HIGHESTMODSEQ 18446744073709551615] highest\r\n",
        "* LIST (\\HasNoChildren \\Drafts) \"/\" \"Entw&APw-rfe\"\r\n", "* LIST () NIL {7}\r\nfolder \r\n",
        "* STATUS INBOX (MESSAGES 5 UIDNEXT 9 UIDVALIDITY 1 UNSEEN 2 HIGHESTMODSEQ 77)\r\n",
        "* SEARCH 1 5 9 11\r\n", "* ESEARCH (TAG \"m5\") UID ALL 1:4,9\r\n",
        "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n",
        "* 1 FETCH (UID 7 RFC822.SIZE 4711 INTERNALDATE \" 5-Jan-2026 10:00:00 +0000\" FLAGS (\\Seen) MODSEQ (12))\r\n",
        "* 2 FETCH (UID 8 FLAGS () BODY[] {23}\r\nSubject: one\r\n\r\nbody\r\n)\r\n\r\n",
        "* 3 FETCH (BODY[HEADER]<0> \"quoted \\\" and \\\\\" UID 9 X-GM-LABELS (\"\\\\Inbox\" {3}\r\na b) X-GM-MSGID 1)\r\n",
        "m1 OK [APPENDUID 1767600000 3] done\r\n", "m2 NO [OVERQUOTA] full\r\n", "m3 BAD what\r\n", "+ idling\r\n",
        "* BYE going\r\n",
        "* 12 FETCH (ENVELOPE (NIL ((\"a\" NIL \"b\" \"c\"))) BODYSTRUCTURE ((\"text\" \"plain\")))\r\n",
    ].map { Array($0.utf8) }
    private static let scraps = [
        "{", "}", "{9}\r\n", "{0}\r\n", "{4294967296}\r\n", "{18446744073709551616}\r\n", "{+}\r\n", "(", ")",
        "((((((((", "\"",
        "\\", "\r\n", "\n", "\r", "\0", "[", "]", "<", ">", "NIL", "*", "+", " ", "  ", "99999999999999999999", "-1",
        "\u{FF}", "~{3}\r\n",
        "FETCH", "UID", "BODY[]",
    ].map { Array($0.utf8) }

    private static func stream(_ choices: inout Seeded) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...6, using: &choices) { bytes += Self.answers.randomElement(using: &choices)! }
        for _ in 0..<Int.random(in: 0...6, using: &choices) {
            let place = Int.random(in: 0...bytes.count, using: &choices)
            let end = min(bytes.count, place + Int.random(in: 0...8, using: &choices))
            switch Int.random(in: 0..<5, using: &choices) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: Self.scraps.randomElement(using: &choices)!, at: place)
            case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 3 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &choices)
            default: bytes.removeLast(min(bytes.count, Int.random(in: 0...20, using: &choices)))
            }
            if bytes.isEmpty { bytes = [0x0A] }
        }
        return bytes
    }

    /// What a session would see when the octets come in these pieces, the error that ends it last.
    private static func read(_ bytes: [UInt8], pieces: (Int) -> Int) -> [String] {
        var limits = IMAPLimits()
        limits.line = 4 << 10
        limits.command = 64 << 10
        var framer = ResponseFramer(limits: limits)
        var seen: [String] = []
        var start = 0
        do throws(MailError) {
            while start < bytes.count {
                let end = min(bytes.count, start + max(1, pieces(bytes.count - start)))
                framer.append(Array(bytes[start..<end]))
                start = end
                while let range = try framer.next() {
                    let response = try ResponseParser.parse(framer.buffer, range, limits: limits)
                    // Sets of flags name their members in an order of their own each time: the letters are compared.
                    seen.append(String("\(response)".sorted()))
                }
            }
        } catch {
            seen.append("\(error.code)")
        }
        return seen
    }

    @Test func `end as answers or as a broken protocol, however they are cut`() {
        var choices = TestRun.choices(6)
        var broken = 0
        for number in 0..<(TestRun.isFull ? 500_000 : 10_000) {
            let bytes = Self.stream(&choices)
            let whole = Self.read(bytes) { $0 }
            let cut = Self.read(bytes) { _ in Int.random(in: 1...12, using: &choices) }
            if whole != cut {
                Issue.record("stream \(number), seed \(TestRun.seed): \(whole) or \(cut)")
                return
            }
            broken += whole.last == "\(MailError.Code.protocolViolation)" ? 1 : 0
        }
        // Neither all sound nor all broken: the streams reach past the first answer.
        #expect(broken > 0)
    }
}
