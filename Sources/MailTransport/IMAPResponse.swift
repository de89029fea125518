internal import struct Foundation.Date

/// One response of an IMAP server, as far as this client cares.
enum IMAPResponse: Sendable {
    enum Status: String, Sendable {
        case ok = "OK"
        case no = "NO"
        case bad = "BAD"
        case bye = "BYE"
        case preauth = "PREAUTH"
    }

    /// The end of a status response.
    struct Text: Sendable {
        /// What stands in brackets, for example `UIDVALIDITY 12`; empty when there is none.
        var code: String
        var human: String

        /// Upper case, without arguments.
        var codeName: String { self.code.prefix { $0 != " " }.uppercased() }
        var codeArguments: Substring { self.code.drop { $0 != " " }.drop { $0 == " " } }
        /// Fit for an error's context.
        var shown: String { MailError.printable(self.code.isEmpty ? self.human : "[\(self.code)] \(self.human)") }
    }

    /// The items of one FETCH response; nil where the server sent none.
    struct Fetch: Sendable {
        var uid: UID?
        var size: Int?
        var internalDate: Date?
        var flags: Set<MailFlag>?
        var modSeq: ModSeq?
        /// Contents of the first body section.
        var body: [UInt8]?
    }

    case continuation(String)
    case tagged(String, Status, Text)
    case status(Status, Text)
    /// Upper case.
    case capability([String])
    case exists(Int)
    case expunge(Int)
    case vanished
    case fetch(Fetch)
    case list(IMAPFolder)
    case folderStatus(FolderStatus)
    /// Ascending ranges; a plain SEARCH gives ranges of one.
    case search([ClosedRange<UInt32>])
    case namespace(prefix: String)
    case other
}
