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
            try self.stream()
            return
        }
        let bytes: [UInt8]
        do {
            let path = self.file == "-" ? "/dev/stdin" : self.file ?? ""
            bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ValidationError("The file cannot be read: \(error.localizedDescription)")
        }
        let encoder = Self.encoder
        encoder.outputFormatting.insert(.prettyPrinted)
        print(String(decoding: try encoder.encode(ParsedMail(id: nil, bytes: bytes)), as: UTF8.self))
    }

    private struct Request: Decodable {
        let id: String
        let path: String
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }

    private func stream() throws {
        let encoder = Self.encoder
        while let line = readLine() {
            guard !line.isEmpty else { continue }
            let request: Request
            do {
                request = try JSONDecoder().decode(Request.self, from: Data(line.utf8))
            } catch {
                throw ValidationError("A line is no {id, path} object.")
            }
            var answer: Data
            do {
                let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: request.path)))
                answer = try encoder.encode(ParsedMail(id: request.id, bytes: bytes))
            } catch {
                answer = try encoder.encode(["id": request.id, "error": "the file cannot be read"])
            }
            answer.append(0x0A)
            try FileHandle.standardOutput.write(contentsOf: answer)
        }
    }
}

/// The answer for one mail; names are the command line contract.
struct ParsedMail: Encodable {
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
    }

    let id: String?
    let seconds: Double
    let message: InboundMessage
    let classification: MessageClassification

    init(id: String?, bytes: [UInt8]) {
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
        try container.encode(mail.bodyParts.first ?? "no visible content", forKey: .bodyText)
        try container.encode(Array(mail.bodyParts.dropFirst()), forKey: .furtherTexts)
        try container.encode(mail.leafTypes, forKey: .leafTypes)
        let files = mail.attachments.map {
            File(filename: $0.filename, contentType: $0.contentType, size: $0.size, sha256: $0.sha256)
        }
        try container.encode(files, forKey: .attachments)
        try container.encode(mail.reply, forKey: .reply)
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
