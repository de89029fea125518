internal import ConnectionThread
internal import Foundation
internal import Glibc

/// An IMAP server with the manners of a large provider, as far as a client can notice them.
///
/// One user, mail in memory. It takes only the bearer token; what clients say is kept for the test to look at.
package final class ProviderServer: Sendable {
    package struct Manners: Sendable {
        /// Offered after the login; before it only the ways to log in.
        package var capabilities: String
        package var mechanisms: [String]
        /// Name and attributes.
        package var folders: [(name: String, attributes: String)]
        package var permanentFlags: String
        /// Shows every mail once more, unless it lies in `trash`.
        package var allMail: String?
        /// Where a mail goes that is removed from its folder; nil: it is gone.
        package var trash: String?
        /// Files other octets than it was given, and states sizes that are not quite right.
        package var rewrites: Bool

        /// Labels are folders, a mail has one number and one set of flags under all of them, and removing means Trash.
        package static let gmail = Manners(
            capabilities: """
                IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE ESEARCH \
                UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584
                """,
            mechanisms: ["XOAUTH2", "OAUTHBEARER"],
            folders: [
                ("INBOX", "\\HasNoChildren"), ("[Gmail]", "\\HasChildren \\Noselect"),
                ("[Gmail]/All Mail", "\\All \\HasNoChildren"), ("[Gmail]/Drafts", "\\Drafts \\HasNoChildren"),
                ("[Gmail]/Sent Mail", "\\HasNoChildren \\Sent"), ("[Gmail]/Trash", "\\HasNoChildren \\Trash"),
            ],
            permanentFlags: "\\Answered \\Flagged \\Draft \\Deleted \\Seen $NotPhishing $Phishing \\*",
            allMail: "[Gmail]/All Mail", trash: "[Gmail]/Trash", rewrites: false)

        /// No keywords, no CONDSTORE, no SPECIAL-USE; mail comes back as it was understood, not as it was written.
        package static let exchange = Manners(
            capabilities:
                "IMAP4 IMAP4rev1 AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
            mechanisms: ["XOAUTH2"],
            folders: [
                ("INBOX", "\\Marked \\HasNoChildren"), ("Drafts", "\\HasNoChildren"), ("Sent Items", "\\HasNoChildren"),
                ("Deleted Items", "\\HasNoChildren"), ("Archive", "\\HasNoChildren"),
            ],
            permanentFlags: "\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent", allMail: nil, trash: nil,
            rewrites: true)

        func stores(_ flag: String) -> Bool {
            let names = self.permanentFlags.lowercased().split(separator: " ")
            return names.contains("\\*") || names.contains(flag.lowercased()[...])
        }
    }

    /// What the server does wrong with the mails of one folder, by their UIDs.
    package struct Faults: Sendable {
        package var folder = "INBOX"
        /// Their contents are never sent, though the server says OK.
        package var withheld: Set<UInt32> = []
        /// They are removed by somebody just when they are asked for.
        package var vanishing: Set<UInt32> = []
        /// The server says NO when their contents are asked for.
        package var refused: Set<UInt32> = []
        /// The server ends the connection instead.
        package var fatal: Set<UInt32> = []
        /// Commands that are refused, such as `UID STORE`.
        package var refusedCommands: Set<String> = []
        /// SELECT names no UIDNEXT.
        package var hidesNextUID = false
    }

    package struct Mail: Sendable {
        package var number: UInt64
        package var bytes: [UInt8]
        package var date: String
        package var flags: Set<String>
        /// Folder to UID.
        package var places: [String: UInt32]
    }

    struct State {
        var mails: [Mail] = []
        var folders: [(name: String, attributes: String)]
        var nextUID: [String: UInt32] = [:]
        var log: [String] = []
        var faults = Faults()
        var uidValidity = 7
        var clients: Set<Int32> = []
        var lastNumber: UInt64 = 1_800_000_000_000_000_000
    }

    package let port: Int
    package let token: String
    let manners: Manners
    private let state: Locked<State>
    private let listener: Int32

    package init(_ manners: Manners, token: String) {
        self.manners = manners
        self.token = token
        self.state = Locked(State(folders: manners.folders))
        (self.listener, self.port) = Socket.listen()
        let listener = self.listener
        Socket.thread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let server = self else { return }
                server.withState { _ = $0.clients.insert(client) }
                Socket.thread {
                    ProviderSession(server, client).serve()
                    server.withState { _ = $0.clients.remove(client) }
                    Glibc.close(client)
                }
            }
        }
    }

    package func stop() { shutdown(self.listener, Int32(SHUT_RDWR)) }

    /// What clients said, without literals and secrets.
    package var log: [String] { self.state.withLock { $0.log } }

    /// In the order of their UIDs.
    package func mails(in folder: String) -> [Mail] { self.state.withLock { Self.view($0, folder) } }

    /// A mail comes from outside.
    /// - Parameter date: INTERNALDATE.
    package func deliver(_ bytes: [UInt8], to folder: String = "INBOX", date: String? = nil) {
        _ = self.file(bytes, in: folder, flags: [], date: date, rewrites: false)
    }

    package func misbehave(_ change: (inout Faults) -> Void) { self.withState { change(&$0.faults) } }

    /// All folders get a new UIDVALIDITY and their mails new UIDs, as after a move; who is connected is thrown out.
    package func renumber() {
        self.withState { state in
            state.uidValidity += 1
            state.nextUID = [:]
            for index in state.mails.indices {
                let folders = state.mails[index].places.keys
                state.mails[index].places = [:]
                for folder in folders { _ = Self.place(index, in: folder, &state) }
            }
            for client in state.clients { shutdown(client, Int32(SHUT_RDWR)) }
        }
    }

    // MARK: What commands do

    func note(_ line: String) { self.state.withLock { $0.log.append(line) } }

    func withState<R>(_ body: (inout State) -> R) -> R { self.state.withLock { body(&$0) } }

    static func view(_ state: State, _ folder: String) -> [Mail] {
        state.mails.filter { $0.places[folder] != nil }.sorted { $0.places[folder]! < $1.places[folder]! }
    }

    private static func place(_ index: Int, in folder: String, _ state: inout State) -> UInt32 {
        if let uid = state.mails[index].places[folder] { return uid }
        let uid = state.nextUID[folder] ?? 1
        state.nextUID[folder] = uid + 1
        state.mails[index].places[folder] = uid
        return uid
    }

    func file(_ bytes: [UInt8], in folder: String, flags: Set<String>, date: String?, rewrites: Bool) -> UInt32 {
        let stored = rewrites && self.manners.rewrites ? Self.rewritten(bytes) : bytes
        return self.state.withLock { state in
            var index = state.mails.firstIndex { self.manners.allMail != nil && $0.bytes == stored }
            if index == nil {
                state.lastNumber += 1
                state.mails.append(
                    Mail(
                        number: state.lastNumber, bytes: stored, date: date ?? "05-Jan-2026 10:00:00 +0000",
                        flags: flags.filter { self.manners.stores($0) }, places: [:]))
                index = state.mails.count - 1
            }
            guard let index else { return 0 }
            if let all = self.manners.allMail { _ = Self.place(index, in: all, &state) }
            return Self.place(index, in: folder, &state)
        }
    }

    package func remove(_ uids: Set<UInt32>, from folder: String) {
        self.state.withLock { state in
            for index in state.mails.indices {
                guard let uid = state.mails[index].places[folder], uids.contains(uid) else { continue }
                state.mails[index].places[folder] = nil
                state.mails[index].flags.remove("\\Deleted")
                guard let trash = self.manners.trash, folder != trash else { continue }
                let isElsewhere = state.mails[index].places.keys.contains { $0 != self.manners.allMail }
                if isElsewhere { continue }
                if let all = self.manners.allMail { state.mails[index].places[all] = nil }
                _ = Self.place(index, in: trash, &state)
            }
            state.mails.removeAll { $0.places.isEmpty }
        }
    }

    func move(_ uids: Set<UInt32>, from folder: String, to target: String) {
        self.state.withLock { state in
            for index in state.mails.indices {
                guard let uid = state.mails[index].places[folder], uids.contains(uid) else { continue }
                state.mails[index].places[folder] = nil
                _ = Self.place(index, in: target, &state)
            }
        }
    }

    /// Fields in another order, some of the provider's own, the body in base64.
    static func rewritten(_ bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
        let halves = text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
        var fields: [String] = []
        for line in halves[0].split(separator: "\n") {
            if line.first == " " || line.first == "\t", !fields.isEmpty {
                fields[fields.count - 1] += "\r\n" + line
            } else if !line.lowercased().hasPrefix("content-transfer-encoding:") {
                fields.append(String(line))
            }
        }
        fields.sort()
        fields.insert(
            "Received: from desk.example by mailbox.provider.example with MAPI; Mon, 5 Jan 2026 10:00:01 +0000", at: 0)
        fields += [
            "Thread-Topic: \(UUID())", "X-MS-Exchange-Organization-SCL: -1", "Content-Transfer-Encoding: base64",
        ]
        let body = halves.count > 1 ? halves[1].replacingOccurrences(of: "\n", with: "\r\n") : ""
        let encoded = Data(body.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithCarriageReturn,
        ])
        return Array("\(fields.joined(separator: "\r\n"))\r\n\r\n\(encoded)\r\n".utf8)
    }
}
