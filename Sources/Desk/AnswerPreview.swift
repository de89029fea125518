package import Answering
package import DeskModel
package import Triage

/// What the desk would do with mails, worked out by the same parts and stored nowhere.
package struct AnswerPreview: Sendable {
    package struct Mail: Sendable {
        package var from: String
        /// Verdict of the own mail server; nil when it gives none.
        package var isVerified: Bool?
        package var subject: String
        package var body: String

        /// For the greeting; nil when unknown.
        package var name: String?

        /// - Parameter from: an address, or `Name <address>`.
        package init(from: String, isVerified: Bool?, subject: String, body: String) {
            let parts = from.split(separator: "<", maxSplits: 1)
            if parts.count == 2, parts[1].hasSuffix(">") {
                self.from = String(parts[1].dropLast())
                let name = parts[0].split { $0.isWhitespace || $0 == "\"" }.joined(separator: " ")
                self.name = name.isEmpty ? nil : name
            } else {
                self.from = from
            }
            self.isVerified = isVerified
            self.subject = subject
            self.body = body
        }
    }

    package struct Result: Sendable {
        package var decision: Decision
        package var draft: Draft?
        package var analysis: Analysis
        /// Probability that the knowledge base answers the mail, 0…1.
        package var answerable: Double
    }

    package var mode: Mode
    package var settings: DeskSettings
    /// nil, as at first, when drafts are made without a model.
    package var chat: ChatDrafter?
    private let engine: TriageEngine
    private let answerer: Answerer

    package init(engine: TriageEngine, answerer: Answerer, settings: DeskSettings) {
        self.engine = engine
        self.answerer = answerer
        self.settings = settings
        self.mode = settings.mode
    }

    /// One result for each mail, in order. Each mail is taken as the first of its ticket, written by a person, just now.
    /// - Throws: what the encoder throws.
    package func answers(_ mails: [Mail]) async throws -> [Result] {
        let analyses = try await self.engine.analyse(
            mails.map { TriageInput(subject: $0.subject, body: $0.body) })
        let inquiries = zip(mails, analyses).map { self.inquiry($0, $1) }
        var answers = try await self.answerer.answers(to: inquiries)
        if let chat { answers = await chat.improved(zip(answers, inquiries).map { ($0, $1.question) }) }
        return zip(mails, zip(analyses, answers)).map { self.result($0, $1.0, $1.1) }
    }

    private func inquiry(_ mail: Mail, _ analysed: TriageResult) -> Answerer.Inquiry {
        let analysis = analysed.analysis
        var question = MailQuestion(
            subject: mail.subject, body: mail.body, customerName: mail.name, language: analysis.language,
            sentiment: analysis.sentiment.score, familiarity: analysis.familiarity,
            category: analysis.category.topLevel, categoryConfidence: analysis.category.confidence)
        question.customerAddress = mail.from
        var drafter = ExtractiveDrafter(
            floor: self.settings.draft.floor, signature: self.settings.draft.signature,
            linkHosts: self.settings.draft.linkHosts)
        drafter.templates = self.settings.draft.templates
        return .init(question, vector: analysed.embedding, drafter: drafter, isStrict: self.mode == .answer)
    }

    private func result(_ mail: Mail, _ analysed: TriageResult, _ answer: Answer) -> Result {
        let analysis = analysed.analysis
        let text = "\(mail.subject)\n\(mail.body)"
        var input = DecisionInput(
            mode: self.mode, classification: .init(kind: .human, reasons: [], suppressAutoReply: false),
            analysis: analysis, signs: EscalationSigns(text: text), injection: InjectionSigns(text: text))
        input.draft = answer.draft
        input.deskLanguage = self.settings.mailboxes.first?.language ?? "en"
        input.draftRemarks = answer.draft == nil ? [] : answer.remarks
        input.gap = answer.draft == nil ? answer.remarks.first : nil
        input.uncoveredRequests = answer.uncovered.count
        input.foreignSentences = answer.foreign.count
        input.isSenderVerified = mail.isVerified
        input.isKnownVIP = MailAddress(mail.from).map(self.settings.escalation.vip.contains) ?? false
        return Result(
            decision: DecisionPolicy.decide(input, settings: self.settings.draft), draft: answer.draft,
            analysis: analysis, answerable: answer.answerable)
    }
}
