internal import ArgumentParser
internal import Desk
internal import DeskModel
internal import Foundation
internal import MIME

/// Shows what the desk reads in a mail; needs neither configuration nor database.
struct ParseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Show what is read in a mail: text, files, reply, and who wrote it.")

    @Flag(help: "Read {id, path} as JSON lines on standard input and write one JSON object a line.")
    var jsonl = false

    @Argument(help: "A file with one mail as it came from the server; - is standard input.")
    var file: String?

    func validate() throws {
        guard self.jsonl != (self.file != nil) else { throw ValidationError("Give either --jsonl or one file.") }
    }

    func run() async throws {
        if self.jsonl {
            try await JSONLines().run { (request: Request) in try Self.read(request) }
            return
        }
        let path = self.file == "-" ? "/dev/stdin" : self.file ?? ""
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError(.usage, "\(path) cannot be read", remedy: "name a file with one mail")
        }
        try JSONOutput.print(ParsedMail(id: nil, bytes: [UInt8](data)))
    }

    static func read(_ request: Request) throws -> ParsedMail {
        guard let data = FileManager.default.contents(atPath: request.path) else {
            throw CommandError(.failed, "the file cannot be read")
        }
        return ParsedMail(id: request.id, bytes: [UInt8](data))
    }

    struct Request: Decodable, Sendable {
        let id: LineID
        let path: String
    }
}

/// The answer for one mail; names are the command line contract.
struct ParsedMail: Encodable, Sendable {
    struct Address: Encodable {
        let address: String
        let name: String

        init(_ written: WrittenAddress) {
            self.address = written.address
            self.name = written.name
        }
    }

    struct File: Encodable {
        let filename: String
        let contentType: String
        let size: Int
        let sha256: String

        enum CodingKeys: String, CodingKey {
            case filename, size, sha256
            case contentType = "content_type"
        }
    }

    struct Failure: Encodable {
        struct Recipient: Encodable {
            let address: String
            let status: String?
            let permanent: Bool
        }

        let recipients: [Recipient]
        let originalMessageID: String?

        enum CodingKeys: String, CodingKey {
            case recipients
            case originalMessageID = "original_message_id"
        }
    }

    enum CodingKeys: String, CodingKey {
        case id, seconds, error, repairs, subject, from, to, cc, date, attachments, reply, kind, bounce
        case messageID = "message_id"
        case inReplyTo = "in_reply_to"
        case references
        case bodyText = "body_text"
        case leafTypes = "leaf_types"
        case kindReasons = "kind_reasons"
        case suppressAutoReply = "suppress_autoreply"
        case furtherTexts = "further_texts"
        case hasHiddenText = "has_hidden_text"
        case replyReference = "reply_reference"
    }

    let id: LineID?
    let seconds: Double
    let message: InboundMessage
    let classification: MessageClassification

    init(id: LineID?, bytes: [UInt8]) {
        let start = ContinuousClock.now
        self.id = id
        self.message = MIMEParser.parse(bytes)
        self.classification = AutomaticMail.classify(self.message, own: [], authservIDs: [])
        self.seconds = (ContinuousClock.now - start) / .seconds(1)
    }

    func encode(to encoder: any Encoder) throws {
        let mail = self.message
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(self.id, forKey: .id)
        try container.encode(self.seconds, forKey: .seconds)
        try container.encodeNil(forKey: .error)
        try container.encode(mail.repairs, forKey: .repairs)
        try container.encode(mail.subject, forKey: .subject)
        try container.encode(mail.writtenFrom.first.map(Address.init), forKey: .from)
        try container.encode(mail.writtenTo.map(Address.init), forKey: .to)
        try container.encode(mail.writtenCc.map(Address.init), forKey: .cc)
        try container.encode(mail.messageID?.text, forKey: .messageID)
        try container.encode(mail.inReplyTo.first?.text, forKey: .inReplyTo)
        try container.encode(mail.references.map(\.text), forKey: .references)
        try container.encode(mail.date, forKey: .date)
        // The chosen body; texts after it (list footers, text below a picture) apart from it.
        // An empty text is what its sender wrote; a mail without any text says so.
        let nothing = mail.leafTypes.contains("text/plain") ? "" : "no visible content"
        try container.encode(mail.bodyParts.first ?? nothing, forKey: .bodyText)
        try container.encode(Array(mail.bodyParts.dropFirst()), forKey: .furtherTexts)
        try container.encode(mail.leafTypes, forKey: .leafTypes)
        let files = mail.attachments.map {
            File(filename: $0.filename, contentType: $0.contentType, size: $0.size, sha256: $0.sha256)
        }
        try container.encode(files, forKey: .attachments)
        try container.encode(mail.reply, forKey: .reply)
        try container.encode(mail.reply.reference, forKey: .replyReference)
        try container.encode(mail.hasHiddenText, forKey: .hasHiddenText)
        try container.encode(self.classification.kind, forKey: .kind)
        try container.encode(self.classification.reasons, forKey: .kindReasons)
        try container.encode(self.classification.suppressAutoReply, forKey: .suppressAutoReply)
        let failure = self.classification.bounce.map { bounce in
            Failure(
                recipients: bounce.recipients.map {
                    Failure.Recipient(address: $0.address, status: $0.status, permanent: $0.permanent)
                }, originalMessageID: bounce.originalMessageID?.text)
        }
        try container.encode(failure, forKey: .bounce)
    }
}
