package import DeskModel

/// Everything that bears on what happens with a ticket after triage and drafting.
package struct DecisionInput: Sendable {
    package var mode: Mode
    package var classification: MessageClassification
    package var analysis: Analysis
    package var signs: EscalationSigns
    package var injection: InjectionSigns
    /// nil when nothing was drafted.
    package var draft: Draft?
    /// ISO 639-1; what the desk was taught, and answers in.
    package var deskLanguage = "en"
    /// What the drafter says that its draft does not do; any remark forbids an automatic answer.
    package var draftRemarks: [String] = []
    /// Why there is no draft; shown to the agent.
    package var gap: String?
    /// Requests of the mail that no source answers.
    package var uncoveredRequests = 0
    /// Sentences of the mail that have nothing to do with its answer.
    package var foreignSentences = 0
    package var isKnownVIP = false
    /// Mails of this customer about this matter without an answer in between, this one included.
    package var contactCount = 1
    /// A person answered the mail before the desk came to it.
    package var isAnswered = false
    /// The customer wrote again, and that is what is answered.
    package var isSuperseded = false
    /// Verdict of our own mail server on the sender; nil when it gives none.
    package var isSenderVerified: Bool?
    /// Whether the ticket had an automatic answer already.
    package var wasAnsweredAutomatically = false
    /// Age of the mail is within `automatic.max_age`.
    package var isRecent = true
    /// Ledger caps leave room for one more automatic mail to this customer.
    package var isWithinCaps = true

    package init(
        mode: Mode, classification: MessageClassification, analysis: Analysis, signs: EscalationSigns,
        injection: InjectionSigns
    ) {
        self.mode = mode
        self.classification = classification
        self.analysis = analysis
        self.signs = signs
        self.injection = injection
    }
}

/// Decides what happens with a ticket. Pure: the same input gives the same decision, with its reasons.
package enum DecisionPolicy {
    /// Below this familiarity nobody taught the desk what such a mail is: 3 of 100 known mails are less familiar.
    static let familiarFloor = 0.03
    /// What triage was taught in: how familiar a mail in another language seems says little about it.
    private static let taughtLanguage = "en"
    /// Sentiment at or below this counts as anger even without angry words.
    static let angerFloor = -0.85
    /// From this contact on a person looks first.
    static let contactLimit = 3

    /// Silent for what no person wrote; escalate when any rule calls for a person; automatic when all conditions hold;
    /// a draft otherwise. A draft that exists is kept whatever the action, for the agent to use.
    package static func decide(_ input: DecisionInput, settings: DraftSettings) -> Decision {
        guard input.classification.kind == .human else {
            let kind = input.classification.kind.rawValue.replacing("_", with: " ")
            return Decision(
                action: .silent, reasons: ["not written by a person: \(kind)"] + input.classification.reasons)
        }
        if input.isAnswered { return Decision(action: .silent, reasons: ["a person has answered it"]) }
        let calls = Self.calls(input)
        if !calls.isEmpty { return Decision(action: .escalate, reasons: calls) }
        if input.isSuperseded { return Decision(action: .silent, reasons: ["the customer's next mail is answered"]) }
        let obstacles = Self.obstacles(input, settings: settings)
        if obstacles.isEmpty {
            let category = input.analysis.category
            if Self.holds(settings.observedCategories, category) {
                return Decision(action: .draft, reasons: [Decision.observed])
            }
            return Decision(action: .auto, reasons: ["every condition for an automatic answer holds"])
        }
        if input.draft == nil {
            return Decision(action: .escalate, reasons: [input.gap ?? "nothing could be drafted"])
        }
        return Decision(action: .draft, reasons: obstacles)
    }

    /// Why a person has to look, strongest first.
    private static func calls(_ input: DecisionInput) -> [String] {
        var calls: [String] = []
        calls += input.signs.signs.map(\.rawValue)
        if !input.injection.signs.isEmpty {
            calls += input.injection.signs.map { "suspected injection: \($0)" }
        }
        if input.isKnownVIP { calls.append("important customer") }
        if input.contactCount >= Self.contactLimit {
            calls.append("contact number \(input.contactCount) without an answer")
        }
        if input.analysis.sentiment.score <= Self.angerFloor, !input.signs.signs.contains(.anger) {
            calls.append("very negative")
        }
        if input.analysis.priority.level == .urgent { calls.append("urgent") }
        if input.wasAnsweredAutomatically { calls.append("reply to an automatic answer") }
        let isForeign = ![input.deskLanguage, "und"].contains(input.analysis.language)
        if isForeign, input.draft == nil {
            calls.append("written in \(input.analysis.language), and nothing could be drafted in it")
        } else if Self.isUnfamiliar(input), [Self.taughtLanguage, "und"].contains(input.analysis.language) {
            calls.append("unlike anything known")
        }
        return calls
    }

    private static func isUnfamiliar(_ input: DecisionInput) -> Bool {
        input.analysis.familiarity < Self.familiarFloor
    }

    /// Why the answer may not go out without a person.
    private static func obstacles(_ input: DecisionInput, settings: DraftSettings) -> [String] {
        var obstacles: [String] = []
        guard let draft = input.draft else { return ["nothing could be drafted"] }
        if input.mode < .answer { obstacles.append("mode is \(input.mode.rawValue)") }
        let category = input.analysis.category
        let isAllowed =
            Self.holds(settings.automaticCategories, category) || Self.holds(settings.observedCategories, category)
        if !isAllowed { obstacles.append("\(category.name) is not answered automatically") }
        if draft.confidence < settings.automaticThreshold {
            let figures = (Self.percent(draft.confidence), Self.percent(settings.automaticThreshold))
            obstacles.append("confidence \(figures.0) below \(figures.1)")
        }
        if Self.isUnfamiliar(input) { obstacles.append("unlike anything known") }
        if input.isSenderVerified != true { obstacles.append("sender not verified") }
        if !draft.unsupported.isEmpty {
            obstacles.append(
                "\(draft.unsupported.count) \(draft.unsupported.count == 1 ? "sentence" : "sentences") without a source"
            )
        }
        if draft.citations.isEmpty { obstacles.append("no source") }
        if input.uncoveredRequests > 0 {
            obstacles.append(
                "\(input.uncoveredRequests) \(input.uncoveredRequests == 1 ? "request" : "requests") not covered by a source"
            )
        }
        if input.foreignSentences > 0 {
            obstacles.append(
                input.foreignSentences == 1
                    ? "1 sentence is about something else"
                    : "\(input.foreignSentences) sentences are about something else")
        }
        // The remark about requests is the agent's wording of the same.
        if input.uncoveredRequests == 0 { obstacles += input.draftRemarks }
        if input.signs.hasTried { obstacles.append("the customer seems to have tried what an answer would say") }
        if input.classification.suppressAutoReply { obstacles.append("the mail wants no automatic answer") }
        if !input.isRecent { obstacles.append("older than automatic answers may be") }
        if !input.isWithinCaps { obstacles.append("cap for automatic mail reached") }
        return obstacles
    }

    private static func holds(_ names: [String], _ category: Analysis.Category) -> Bool {
        names.contains { $0 == "all" || $0 == category.name || $0 == category.topLevel }
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}
