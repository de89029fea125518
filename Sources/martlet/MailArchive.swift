import Foundation

/// Raw mails in files: an mbox, a Maildir with its subfolders, or a folder of `.eml` files.
enum MailArchive {
    /// Larger mails are left out.
    private static let maximumSize = 25 << 20
    private static let sentNames: Set<String> = ["sent", "sent items", "sent messages", "sent mail", "gesendet"]

    /// Hands each mail to `body`, with whether it lies in a folder of sent mail.
    static func read(_ path: String, isSent: Bool, _ body: ([UInt8], Bool) throws -> Void) throws {
        let url = URL(filePath: path).resolvingSymlinksInPath()
        guard let facts = try? FileManager.default.attributesOfItem(atPath: url.path) else {
            throw CommandError(.usage, "there is no file or folder \(path)")
        }
        guard facts[.type] as? FileAttributeType == .typeDirectory else {
            return try Self.mbox(try Data(contentsOf: url, options: .mappedIfSafe)) {
                try body($0, isSent || Self.isSentName(url.deletingPathExtension().lastPathComponent))
            }
        }
        let names = FileManager.default.enumerator(atPath: url.path)?.compactMap { $0 as? String } ?? []
        for name in names.sorted() where Self.isMail(name) {
            let file = url.appending(path: name)
            let size = try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int
            guard let size, size > 0, size <= Self.maximumSize, let data = try? Data(contentsOf: file) else { continue }
            try body([UInt8](data), isSent || Self.isInSentFolder(name))
        }
    }

    /// The mails of an mbox. A line `From …` with a time, after an empty line, begins one; `>From ` in a body loses its mark.
    static func mbox(_ data: Data, _ body: ([UInt8]) throws -> Void) throws {
        let start = Array("From ".utf8)
        var mail: [UInt8] = []
        var isInMail = false
        var follows = true
        var position = data.startIndex
        while position < data.endIndex {
            let end = data[position...].firstIndex(of: 0x0A).map { $0 + 1 } ?? data.endIndex
            let line = data[position..<end]
            position = end
            if follows, line.starts(with: start), Self.isSeparator(line) {
                if isInMail, !mail.isEmpty { try body(mail) }
                mail = []
                isInMail = true
            } else if isInMail, mail.count <= Self.maximumSize {
                let marks = line.prefix { $0 == 0x3E }.count
                mail += marks > 0 && line.dropFirst(marks).starts(with: start) ? line.dropFirst() : line
            }
            follows = line.allSatisfy { $0 == 0x0A || $0 == 0x0D }
        }
        if isInMail, !mail.isEmpty, mail.count <= Self.maximumSize { try body(mail) }
    }

    /// Whether a line has a time of day and enough words: `From a@example.com Mon Jul  6 10:00:00 2026`. Not every writer
    /// marks a body's own line that begins so.
    private static func isSeparator(_ line: Data) -> Bool {
        line.split(separator: 0x20).count >= 6 && line.contains(0x3A)
    }

    /// Mails of a Maildir lie in `cur` and `new`, whatever they are called.
    private static func isMail(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        guard let last = parts.last, !last.hasPrefix(".") else { return false }
        if last.lowercased().hasSuffix(".eml") { return true }
        return parts.count >= 2 && ["cur", "new"].contains(parts[parts.count - 2])
    }

    private static func isInSentFolder(_ name: String) -> Bool {
        name.split(separator: "/").dropLast().contains { part in
            // Maildir++ writes `.INBOX.Sent`
            Self.isSentName(part.split(separator: ".").last.map(String.init) ?? "")
        }
    }

    private static func isSentName(_ name: String) -> Bool { Self.sentNames.contains(name.lowercased()) }
}
