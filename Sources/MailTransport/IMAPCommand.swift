/// A command on its way to the server: text and literals in order. Whatever came from outside is quoted or a literal.
struct IMAPCommand: Sendable {
    enum Part: Sendable {
        case text(String)
        case literal([UInt8])
    }

    private(set) var parts: [Part]

    init(_ text: String) { self.parts = [.text(text)] }

    mutating func append(_ text: String) {
        if case .text(let before) = self.parts.last {
            self.parts[self.parts.count - 1] = .text(before + text)
        } else {
            self.parts.append(.text(text))
        }
    }

    /// A space and a string that may hold anything: quoted where that is safe, else a literal.
    mutating func append(string: String) {
        self.append(" ")
        let isQuotable = string.utf8.count <= 1000 && string.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        if isQuotable {
            let escaped = string.flatMap { $0 == "\\" || $0 == "\"" ? ["\\", $0] : [$0] }
            self.append("\"\(String(escaped))\"")
        } else {
            self.append(literal: Array(string.utf8))
        }
    }

    mutating func append(literal: [UInt8]) { self.parts.append(.literal(literal)) }

    func appending(string: String) -> IMAPCommand {
        var command = self
        command.append(string: string)
        return command
    }

    func appending(_ text: String) -> IMAPCommand {
        var command = self
        command.append(text)
        return command
    }

    /// ATOM-CHAR of RFC 9051 §9: printable ASCII without `(){ %*"\]` and `[` is an atom octet, but ends words here
    /// because sections and response codes begin with it.
    static func isAtomByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23, 0x24, 0x26, 0x27, 0x2B...0x5A, 0x5E...0x7A, 0x7C, 0x7D, 0x7E: true
        default: false
        }
    }
}
