internal import Foundation
internal import Glibc

/// One client of a `ProviderServer`.
final class ProviderSession {
    private let server: ProviderServer
    private let client: Int32
    private var buffer: [UInt8] = []
    private var folder = ""
    private var exists = 0
    private var isLoggedIn = false

    init(_ server: ProviderServer, _ client: Int32) {
        self.server = server
        self.client = client
    }

    func serve() {
        self.say("* OK ready")
        while let (words, literal) = self.command(), words.count >= 2 {
            let tag = words[0]
            var verb = words[1].uppercased()
            var arguments = Array(words.dropFirst(2))
            if verb == "UID", let next = arguments.first {
                verb += " \(next.uppercased())"
                arguments.removeFirst()
            }
            if verb == "LOGOUT" {
                self.say("* BYE bye")
                return self.say("\(tag) OK done")
            }
            let isOpen = ["CAPABILITY", "AUTHENTICATE", "NOOP", "ID"].contains(verb)
            let isRefused = self.server.withState { $0.faults.refusedCommands.contains(verb) }
            let answer =
                isRefused
                ? "NO [CANNOT] not here"
                : isOpen || self.isLoggedIn ? self.answer(tag, verb, arguments, literal) : "BAD log in first"
            if answer.isEmpty { return }
            self.report()
            self.say("\(tag) \(answer)")
        }
    }

    private func answer(_ tag: String, _ verb: String, _ arguments: [String], _ literal: [UInt8]) -> String {
        switch verb {
        case "CAPABILITY": self.say("* CAPABILITY \(self.capabilities)")
        case "AUTHENTICATE": return self.authenticate(arguments)
        case "NOOP", "ENABLE", "UNSELECT": break
        case "ID": self.say("* ID NIL")
        case "NAMESPACE": self.say("* NAMESPACE ((\"\" \"/\")) NIL NIL")
        case "LIST":
            for folder in self.server.withState({ $0.folders }) {
                self.say("* LIST (\(folder.attributes)) \"/\" \"\(folder.name)\"")
            }
        case "CREATE":
            guard
                self.server.withState({ state in
                    defer { state.folders.append((arguments[0], "\\HasNoChildren")) }
                    return !state.folders.contains { $0.name == arguments[0] }
                })
            else { return "NO [ALREADYEXISTS] there" }
        case "STATUS":
            let name = arguments[0]
            let (count, next) = self.server.withState { (ProviderServer.view($0, name).count, $0.nextUID[name] ?? 1) }
            self.say(
                "* STATUS \"\(name)\" (MESSAGES \(count) UIDNEXT \(next) UIDVALIDITY \(self.uidValidity) UNSEEN 0)")
        case "SELECT", "EXAMINE": return self.select(arguments[0], isReadOnly: verb == "EXAMINE")
        case "APPEND": return self.append(arguments, literal)
        case "IDLE": return self.idle() ? "OK done" : "BAD no DONE"
        case "UID FETCH": return self.fetch(arguments)
        case "UID SEARCH": self.search(tag, arguments)
        case "UID STORE": self.store(arguments)
        case "UID EXPUNGE": self.server.remove(self.members(arguments[0]), from: self.folder)
        case "UID MOVE": self.server.move(self.members(arguments[0]), from: self.folder, to: arguments[1])
        default: return "BAD unknown command"
        }
        return "OK done"
    }

    private var uidValidity: Int { self.server.withState { $0.uidValidity } }

    private var capabilities: String {
        self.isLoggedIn
            ? self.server.manners.capabilities
            : "IMAP4rev1 SASL-IR " + self.server.manners.mechanisms.map { "AUTH=\($0)" }.joined(separator: " ")
    }

    private func authenticate(_ arguments: [String]) -> String {
        guard self.server.manners.mechanisms.contains(arguments[0].uppercased()) else {
            return "NO [CANNOT] not this way"
        }
        var initial = arguments.dropFirst().first
        if initial == nil {
            self.say("+ ")
            initial = self.line().map { String(decoding: $0, as: UTF8.self) }
        }
        let words = Data(base64Encoded: initial ?? "").map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard words.contains("auth=Bearer \(self.server.token)\u{1}") else {
            // The reason comes as a challenge, to be answered with nothing. RFC 7628 §3.2.3.
            self.say("+ eyJzdGF0dXMiOiI0MDEifQ==")
            _ = self.line()
            return "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
        }
        self.isLoggedIn = true
        return "OK user@provider.example authenticated (Success)"
    }

    private func select(_ name: String, isReadOnly: Bool) -> String {
        let found = self.server.withState { state -> (count: Int, next: UInt32)? in
            guard state.folders.contains(where: { $0.name == name }) else { return nil }
            return (ProviderServer.view(state, name).count, state.nextUID[name] ?? 1)
        }
        guard let found else { return "NO [NONEXISTENT] Unknown Mailbox" }
        self.folder = name
        self.exists = found.count
        self.say("* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)")
        self.say("* OK [PERMANENTFLAGS (\(self.server.manners.permanentFlags))] Flags permitted.")
        self.say("* OK [UIDVALIDITY \(self.uidValidity)] UIDs valid.\r\n* \(found.count) EXISTS\r\n* 0 RECENT")
        if !self.server.withState({ $0.faults.hidesNextUID }) {
            self.say("* OK [UIDNEXT \(found.next)] Predicted next UID.")
        }
        if self.server.manners.capabilities.contains("CONDSTORE") { self.say("* OK [HIGHESTMODSEQ 1000]") }
        return "OK [READ-\(isReadOnly ? "ONLY" : "WRITE")] selected"
    }

    private func append(_ arguments: [String], _ literal: [UInt8]) -> String {
        guard self.server.withState({ $0.folders.contains { $0.name == arguments[0] } }) else {
            return "NO [TRYCREATE] no such folder"
        }
        var flags: Set<String> = []
        var date: String?
        for word in arguments.dropFirst().dropLast() {
            if word.hasPrefix("(") {
                flags = Set(word.dropFirst().dropLast().split(separator: " ").map(String.init))
            } else {
                date = word
            }
        }
        let uid = self.server.file(literal, in: arguments[0], flags: flags, date: date, rewrites: true)
        return "OK [APPENDUID \(self.uidValidity) \(uid)] done"
    }

    /// - Returns: how the command ends; nothing when the connection does.
    private func fetch(_ arguments: [String]) -> String {
        let wanted = self.members(arguments[0])
        let items = arguments.dropFirst().joined(separator: " ").uppercased()
        let hasBody = items.contains("BODY.PEEK[")
        let all = self.server.withState { $0.faults }
        let faults = hasBody && all.folder == self.folder ? all : ProviderServer.Faults()
        if !faults.fatal.isDisjoint(with: wanted) { return "" }
        if !faults.refused.isDisjoint(with: wanted) { return "NO [SERVERBUG] Internal error occurred." }
        self.server.remove(wanted.intersection(faults.vanishing), from: self.folder)
        let view = self.server.withState { ProviderServer.view($0, self.folder) }
        for (index, mail) in view.enumerated() {
            guard let uid = mail.places[self.folder], wanted.contains(uid), !faults.withheld.contains(uid)
            else { continue }
            var parts = ["UID \(uid)"]
            if items.contains("FLAGS") { parts.append("FLAGS (\(mail.flags.sorted().joined(separator: " ")))") }
            if items.contains("RFC822.SIZE") {
                parts.append("RFC822.SIZE \(mail.bytes.count + (self.server.manners.rewrites ? 37 : 0))")
            }
            if items.contains("INTERNALDATE") { parts.append("INTERNALDATE \"\(mail.date)\"") }
            if items.contains("MODSEQ") { parts.append("MODSEQ (1000)") }
            if items.contains("X-GM-MSGID") { parts.append("X-GM-MSGID \(mail.number)") }
            var bytes = Array("* \(index + 1) FETCH (\(parts.joined(separator: " "))".utf8)
            if hasBody {
                bytes += " BODY[] {\(mail.bytes.count)}\r\n".utf8
                bytes += mail.bytes
            }
            bytes += ")\r\n".utf8
            _ = Socket.send(bytes[...], to: self.client)
        }
        return "OK done"
    }

    private func search(_ tag: String, _ arguments: [String]) {
        var criteria = arguments
        let wantsRanges = criteria.first?.uppercased() == "RETURN"
        if wantsRanges { criteria.removeFirst(2) }
        let view = self.server.withState { ProviderServer.view($0, self.folder) }
        let hits = view.filter { mail in
            guard let uid = mail.places[self.folder] else { return false }
            switch criteria.first?.uppercased() {
            case "UID": return self.members(criteria[1]).contains(uid)
            case "HEADER":
                return String(decoding: mail.bytes, as: UTF8.self).lowercased()
                    .contains("\(criteria[1]): \(criteria[2])".lowercased())
            default: return true
            }
        }.compactMap { $0.places[self.folder].map(String.init) }
        if wantsRanges {
            self.say("* ESEARCH (TAG \"\(tag)\") UID\(hits.isEmpty ? "" : " ALL \(hits.joined(separator: ","))")")
        } else {
            self.say("* SEARCH\(hits.map { " \($0)" }.joined())")
        }
    }

    /// What the provider does not keep is dropped without a word.
    private func store(_ arguments: [String]) {
        let wanted = self.members(arguments[0])
        let verb = arguments[1].uppercased()
        let list = arguments.dropFirst(2).joined(separator: " ").filter { $0 != "(" && $0 != ")" }
        let flags = Set(list.split(separator: " ").map(String.init)).filter { self.server.manners.stores($0) }
        self.server.withState { state in
            for index in state.mails.indices {
                guard let uid = state.mails[index].places[self.folder], wanted.contains(uid) else { continue }
                switch verb.first {
                case "+": state.mails[index].flags.formUnion(flags)
                case "-": state.mails[index].flags.subtract(flags)
                default: state.mails[index].flags = flags
                }
            }
        }
    }

    /// - Returns: false when the client is gone.
    private func idle() -> Bool {
        self.say("+ idling")
        while true {
            self.report()
            var poll = pollfd(fd: self.client, events: Int16(POLLIN), revents: 0)
            guard !self.buffer.contains(0x0A), Glibc.poll(&poll, 1, 10) == 0 else {
                return self.line().map { String(decoding: $0, as: UTF8.self).uppercased() == "DONE" } ?? false
            }
        }
    }

    /// News of the open folder.
    private func report() {
        guard !self.folder.isEmpty else { return }
        let count = self.server.withState { ProviderServer.view($0, self.folder).count }
        while self.exists > count {
            self.say("* \(self.exists) EXPUNGE")
            self.exists -= 1
        }
        if self.exists < count { self.say("* \(count) EXISTS") }
        self.exists = count
    }

    /// The UIDs that a set names.
    private func members(_ set: String) -> Set<UInt32> {
        let uids = self.server.withState { ProviderServer.view($0, self.folder) }.compactMap { $0.places[self.folder] }
        var result: Set<UInt32> = []
        for range in set.split(separator: ",") {
            let ends = range.split(separator: ":").map { $0 == "*" ? uids.last ?? 0 : UInt32($0) ?? 0 }
            guard let first = ends.min(), let last = ends.max() else { continue }
            result.formUnion(uids.filter { (first...last).contains($0) })
        }
        return result
    }

    // MARK: The stream

    private func say(_ text: String) { _ = Socket.send(Array("\(text)\r\n".utf8)[...], to: self.client) }

    private func fill() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(self.client, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        self.buffer += bytes[..<count]
        return true
    }

    private func line() -> [UInt8]? {
        while true {
            if let end = self.buffer.firstIndex(of: 0x0A) {
                let line = Array(self.buffer[..<end].filter { $0 != 0x0D })
                self.buffer.removeSubrange(...end)
                return line
            }
            guard self.fill() else { return nil }
        }
    }

    /// One command in words, quotes taken off and lists left whole; the last literal apart.
    private func command() -> (words: [String], literal: [UInt8])? {
        var words: [String] = []
        var literal: [UInt8] = []
        while let line = self.line() {
            var text = String(decoding: line, as: UTF8.self)
            var count: Int?
            if text.hasSuffix("}"), let open = text.lastIndex(of: "{") {
                count = Int(text[text.index(after: open)...].filter(\.isNumber))
                if !text.hasSuffix("+}") { self.say("+ go on") }
                text = String(text[..<open])
            }
            words += Self.words(text)
            guard let count else {
                let isSecret = words.dropFirst().first?.uppercased() == "AUTHENTICATE"
                self.server.note(words.dropFirst().prefix(isSecret ? 2 : words.count).joined(separator: " "))
                return (words, literal)
            }
            while self.buffer.count < count { guard self.fill() else { return nil } }
            literal = Array(self.buffer.prefix(count))
            self.buffer.removeFirst(count)
            words.append(String(decoding: literal.prefix(100), as: UTF8.self))
        }
        return nil
    }

    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if isQuoted {
                if isEscaped || (character != "\"" && character != "\\") {
                    word = (word ?? "") + String(character)
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else {
                    isQuoted = false
                }
            } else if character == "\"" {
                isQuoted = true
                word = word ?? ""
            } else if character == " ", depth == 0 {
                if let done = word { words.append(done) }
                word = nil
            } else {
                depth += character == "(" ? 1 : character == ")" ? -1 : 0
                word = (word ?? "") + String(character)
            }
        }
        if let done = word { words.append(done) }
        return words
    }
}
