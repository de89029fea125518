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

        package init(from: String, isVerified: Bool?, subject: String, body: String) {
            self.from = from
            self.isVerified = isVerified
            self.subject = subject
            self.body = body
        }
    }

    package struct Result: Sendable {
        package var decision: Decision
        package var draft: Draft?
    }

    package var mode: Mode
    package var settings: DeskSettings
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
        let answers = try await self.answerer.answers(to: zip(mails, analyses).map { self.inquiry($0, $1) })
        return zip(mails, zip(analyses, answers)).map { self.result($0, $1.0, $1.1) }
    }

    private func inquiry(_ mail: Mail, _ analysed: TriageResult) -> Answerer.Inquiry {
        let analysis = analysed.analysis
        let question = MailQuestion(
            subject: mail.subject, body: mail.body, language: analysis.language,
            sentiment: analysis.sentiment.score, familiarity: analysis.familiarity,
            category: analysis.category.topLevel, categoryConfidence: analysis.category.confidence)
        let drafter = ExtractiveDrafter(
            floor: self.settings.draft.floor, signature: self.settings.draft.signature,
            linkHosts: self.settings.draft.linkHosts)
        return .init(question, vector: analysed.embedding, drafter: drafter, isStrict: self.mode == .answer)
    }

    private func result(_ mail: Mail, _ analysed: TriageResult, _ answer: Answer) -> Result {
        let analysis = analysed.analysis
        let text = "\(mail.subject)\n\(mail.body)"
        var input = DecisionInput(
            mode: self.mode, classification: .init(kind: .human, reasons: [], suppressAutoReply: false),
            analysis: analysis, signs: EscalationSigns(text: text), injection: InjectionSigns(text: text))
        input.draft = answer.draft
        input.draftRemarks = answer.draft == nil ? [] : answer.remarks
        input.gap = answer.draft == nil ? answer.remarks.first : nil
        input.uncoveredRequests = answer.uncovered.count
        input.isSenderVerified = mail.isVerified
        input.isKnownVIP = MailAddress(mail.from).map(self.settings.escalation.vip.contains) ?? false
        return Result(decision: DecisionPolicy.decide(input, settings: self.settings.draft), draft: answer.draft)
    }
}
