internal import Answering
package import DeskModel
package import Foundation
internal import MIME

/// Shadow mode: what the desk would have done with mails of the past, beside what people did. Stores and sends nothing.
package struct Replay: Sendable {
    /// One mail of the archive, reduced to what is looked at.
    private struct Item: Sendable {
        let id: MessageID?
        let related: [MessageID]
        let from: MailAddress?
        let subject: String
        let text: String
        let kind: MessageClassification.Kind
        let isVerified: Bool?
        let date: Date?
        let isOwn: Bool
    }

    private let preview: AnswerPreview
    private let own: Set<String>
    private let authservIDs: [String]
    private var items: [Item] = []
    private var seen: Set<String> = []
    private var duplicates = 0

    /// Mails that are looked at as one step.
    private static let batch = 16

    /// - Parameter own: addresses of the desk and of its agents, lower case; what they wrote is an answer.
    package init(preview: AnswerPreview, own: Set<String>, authservIDs: [String]) {
        self.preview = preview
        self.own = own
        self.authservIDs = authservIDs
    }

    /// Mails in hand so far, each once.
    package var count: Int { self.items.count }

    /// Takes a mail in.
    /// - Parameter isSent: true when it lies in a folder of sent mail.
    package mutating func add(_ raw: [UInt8], isSent: Bool) {
        let message = MIMEParser.parse(raw)
        if let id = message.messageID, !self.seen.insert(id.text).inserted {
            self.duplicates += 1
            return
        }
        let from = message.from.first
        let isOwn = isSent || from.map { self.own.contains($0.normalized) } == true
        let classification = AutomaticMail.classify(message, own: [], authservIDs: self.authservIDs)
        let visible = message.reply.visible.isEmpty ? message.bodyText : message.reply.visible
        self.items.append(
            Item(
                id: message.messageID, related: message.inReplyTo + message.references.reversed(), from: from,
                subject: message.subject, text: visible, kind: classification.kind,
                isVerified: Self.isVerified(SenderVerdict(message, authservIDs: self.authservIDs)),
                date: message.received ?? message.date, isOwn: isOwn))
    }

    private static func isVerified(_ verdict: SenderVerdict) -> Bool? {
        switch verdict {
        case .pass: true
        case .fail: false
        case .none: nil
        }
    }

    /// Looks at every mail that a customer wrote.
    /// - Parameter progress: called with the number of mails done and the number to do.
    /// - Throws: what the encoder throws.
    package func run(progress: @Sendable (Int, Int) -> Void = { _, _ in }) async throws -> ReplayReport {
        var report = ReplayReport(mails: self.items.count, duplicates: self.duplicates)
        var answers: [MessageID: Item] = [:]
        for item in self.items where item.isOwn && item.kind == .human {
            // The newest mail before an answer is what it answers.
            if let id = item.related.first, answers[id] == nil { answers[id] = item }
        }
        report.ownMails = self.items.count(where: \.isOwn)
        let foreign = self.items.filter { !$0.isOwn }
        for item in foreign where item.kind != .human { report.silent[item.kind.rawValue, default: 0] += 1 }
        let work = foreign.filter { $0.kind == .human }
        for start in stride(from: 0, to: work.count, by: Self.batch) {
            let part = work[start..<min(start + Self.batch, work.count)]
            let results = try await self.preview.answers(
                part.map {
                    var mail = AnswerPreview.Mail(
                        from: $0.from?.address ?? "", isVerified: $0.isVerified, subject: $0.subject, body: $0.text)
                    mail.name = $0.from?.displayName
                    return mail
                })
            for (item, result) in zip(part, results) {
                report.rows.append(Self.row(item, result, answer: item.id.flatMap { answers[$0] }))
            }
            progress(min(start + Self.batch, work.count), work.count)
        }
        return report
    }

    private static func row(_ item: Item, _ result: AnswerPreview.Result, answer: Item?) -> ReplayReport.Row {
        ReplayReport.Row(
            date: item.date, from: item.from?.address ?? "", subject: item.subject, text: item.text,
            category: result.analysis.category.name, priority: result.analysis.priority.level,
            action: result.decision.action, reasons: result.decision.reasons, draft: result.draft?.body,
            articles: (result.draft?.citations ?? []).reduce(into: []) { articles, citation in
                if !articles.contains(citation.article) { articles.append(citation.article) }
            },
            confidence: result.draft?.confidence, answer: answer?.text,
            likeness: answer.flatMap { answer in result.draft.map { TextLikeness.of($0.body, answer.text) } })
    }
}

/// What a replay found.
package struct ReplayReport: Sendable, Codable {
    package struct Row: Sendable, Codable {
        package let date: Date?
        package let from: String
        package let subject: String
        package let text: String
        package let category: String
        package let priority: Analysis.Priority.Level
        package let action: Decision.Action
        package let reasons: [String]
        package let draft: String?
        package let articles: [String]
        package let confidence: Double?
        /// What a person answered; nil when the archive has no answer.
        package let answer: String?
        /// Of draft and answer, 0…1; nil when one of them is missing.
        package let likeness: Double?
    }

    /// Mails in the archive, each once, and further copies of them.
    package let mails: Int
    package let duplicates: Int
    package var ownMails = 0
    /// What no person wrote, by kind.
    package var silent: [String: Int] = [:]
    /// Mails of customers, in the archive's order.
    package var rows: [Row] = []

    init(mails: Int, duplicates: Int) {
        self.mails = mails
        self.duplicates = duplicates
    }

    /// Likeness from which a draft would have saved most of the writing.
    package static let near = 0.5

    package func count(_ action: Decision.Action) -> Int { self.rows.count { $0.action == action } }

    package var drafted: Int { self.rows.count { $0.draft != nil } }
    package var compared: [Row] { self.rows.filter { $0.likeness != nil } }
    package var nearAnswers: Int { self.rows.count { ($0.likeness ?? 0) >= Self.near } }
    /// Answered by a person where nothing would have been drafted: what the knowledge base lacks.
    package var gaps: Int { self.rows.count { $0.answer != nil && $0.draft == nil } }

    /// Mails, drafts and likeness for each category, most mails first.
    package var categories: [(name: String, mails: Int, drafted: Int, automatic: Int, escalated: Int)] {
        Dictionary(grouping: self.rows, by: \.category).map { name, rows in
            (
                name, rows.count, rows.count { $0.draft != nil }, rows.count { $0.action == .auto },
                rows.count { $0.action == .escalate }
            )
        }.sorted { ($1.mails, $0.name) < ($0.mails, $1.name) }
    }

    /// Why mails went to a person, most frequent first.
    package var reasons: [(reason: String, mails: Int)] {
        Self.counted(self.rows.filter { $0.action == .escalate }.compactMap { $0.reasons.first.map { [$0] } })
    }

    /// Why drafts would have waited for a person, most frequent first; a mail may count for several.
    package var obstacles: [(reason: String, mails: Int)] {
        Self.counted(self.rows.filter { $0.action == .draft }.map(\.reasons))
    }

    private static func counted(_ reasons: [[String]]) -> [(reason: String, mails: Int)] {
        var counts: [String: Int] = [:]
        // What differs from mail to mail (a title, a figure, a category, words of the mail) is left out.
        for reasons in reasons { for reason in Set(reasons.map(Self.general)) { counts[reason, default: 0] += 1 } }
        return counts.map { ($0.key, $0.value) }.sorted { ($1.mails, $0.reason) < ($0.mails, $1.reason) }
    }

    private static func general(_ reason: String) -> String {
        if reason.hasPrefix("confidence ") { return "confidence too low" }
        if reason.hasSuffix(" is not answered automatically") { return "category is not answered automatically" }
        let words = reason.split(separator: ";").first.map(String.init) ?? reason
        var parts = words.split(separator: "“", omittingEmptySubsequences: false).map(String.init)
        for index in parts.indices.dropFirst() {
            parts[index] =
                "…" + (parts[index].split(separator: "”", maxSplits: 1).dropFirst().first.map(String.init) ?? "")
        }
        return parts.joined()
    }
}
