internal import Answering
internal import DeskModel
internal import DeskStore
internal import Encoder
internal import Foundation
internal import Logging
internal import MIME
internal import Postgres
internal import Triage

/// What happens with a batch of messages after intake: analysis, draft, decision, and everything that follows from it
/// as rows to be committed with the jobs' completion.
///
/// Nothing here writes: a step that fails half-way leaves nothing behind and is simply done again.
package struct TriageStep: Sendable {
    let context: DeskContext
    let engines: ServingEngine
    let knowledge: KnowledgeBase
    /// nil when drafts are made without a model.
    let chat: ChatDrafter?
    let mailboxes: [MailboxID: MailboxSettings]
    let model: Int64

    /// The statements of one batch.
    func statements(for ids: [StoredMessageID], isBackfill: Bool) async throws -> [SQL] {
        let store = self.context.store
        let subjects = try await store.triageSubjects(ids)
        guard !subjects.isEmpty else { return [] }
        let work = isBackfill ? [] : subjects.indices.filter { Self.mayBeAnswered(subjects[$0]) }
        let isSilent = await self.knowledge.answerer.isEmpty
        let questions = work.map { index in
            MailQuestion(
                subject: subjects[index].subject, body: subjects[index].question,
                customerName: subjects[index].customerName, hasAttachment: subjects[index].attachmentCount > 0)
        }
        var results = try await FollowUp.analyse(
            subjects.map { ($0, TriageInput(subject: $0.subject, body: $0.question, context: self.triageContext($0))) },
            engine: self.engines.current,
            preparing: isSilent ? [] : questions.flatMap(\.parts).map(\.text))
        for (index, subject) in subjects.enumerated() where results[index].analysis.language == "und" {
            // Too short to tell: the mailbox knows what its customers speak.
            results[index].analysis.language = self.mailboxes[subject.mailboxID]?.language ?? "en"
        }
        var keys = try await store.ids.take(subjects.count * 8)[...]
        var records: [TriageRecord] = []
        var writes: [MailboxWrite] = []
        var mails: [OutboxMail] = []
        let answers = try await self.answers(to: zip(work, questions), of: subjects, results)
        for (index, (subject, judged)) in zip(subjects, results).enumerated() {
            var result = judged
            result.analysis.sentiment.trend = .init(from: subject.moods, to: result.analysis.sentiment.score)
            let outcome = self.outcome(of: subject, result, answers[index], isBackfill: isBackfill) {
                keys.removeFirst()
            }
            records.append(outcome.record)
            writes += outcome.writes
            mails += outcome.mails
        }
        // The writes come first: a draft names the write that places it.
        return store.planStatements(writes) + store.triageStatements(records, model: self.model)
            + store.queueStatements(mails) + store.caseUseStatements(Self.caseUses(records))
    }

    /// Case cards that stand in the drafts.
    private static func caseUses(_ records: [TriageRecord]) -> [(card: CaseID, ticket: TicketID)] {
        records.flatMap { record in
            let cards = Set(record.draft?.draft.citations.compactMap { CaseText.caseID(ofArticle: $0.article) } ?? [])
            return cards.sorted().map { (card: CaseID($0), ticket: record.ticketID) }
        }
    }

    private struct Outcome {
        var record: TriageRecord
        var writes: [MailboxWrite] = []
        var mails: [OutboxMail] = []
    }

    private func triageContext(_ subject: TriageSubject) -> TriageContext {
        TriageContext(
            contacts: subject.contacts, isVIP: self.isVIP(subject), hasPhoto: subject.hasPhoto)
    }

    private func isVIP(_ subject: TriageSubject) -> Bool {
        self.context.settings.escalation.vip.contains { $0.normalized == subject.customerEmail }
    }

    func mode(of mailbox: MailboxID) -> Mode { self.mailboxes[mailbox].map(self.context.mode) ?? .observe }

    private func outcome(
        of subject: TriageSubject, _ result: TriageResult, _ answer: Answer?, isBackfill: Bool, nextID: () -> Int64
    ) -> Outcome {
        let mailbox = self.mailboxes[subject.mailboxID]
        let mode = self.mode(of: subject.mailboxID)
        let isWork = !isBackfill && !subject.isHistory
        let decision =
            isWork
            ? self.decision(subject, result, answer, mode: mode)
            : Decision(action: .silent, reasons: ["mail from before the desk"])
        var outcome = Outcome(
            record: TriageRecord(
                analysisID: nextID(), eventID: nextID(), messageID: subject.messageID, ticketID: subject.ticketID,
                modelVersion: result.version, analysis: result.analysis, decision: decision,
                embedding: result.embedding, draft: nil))
        guard isWork, let mailbox, mode > .observe else {
            if let draft = answer?.draft, decision.action != .silent, isWork {
                outcome.record.draft = .init(id: DraftID(nextID()), writeID: nil, draft: draft)
            }
            return outcome
        }
        let outgoing = OutgoingMail(context: self.context, mailbox: mailbox, now: Date())
        if decision.action != .silent {
            self.addDraft(to: &outcome, subject, answer, outgoing, nextID: nextID)
            self.addNote(to: &outcome, subject, result, answer, outgoing, nextID: nextID)
        }
        self.addMark(to: &outcome, subject, result, mailbox, nextID: nextID)
        if decision.action == .escalate, !subject.wasEscalated {
            self.addNotice(to: &outcome, subject, result, answer, outgoing, nextID: nextID)
        }
        if decision.action == .auto { self.addAutomaticAnswer(to: &outcome, subject, answer, outgoing, nextID: nextID) }
        return outcome
    }

    // MARK: - Thinking

    /// Whether anything could come of an answer; nobody sees one to a machine's mail.
    private static func mayBeAnswered(_ subject: TriageSubject) -> Bool {
        !subject.isHistory && !subject.isSuperseded && !subject.isAnswered && subject.classification == .human
    }

    /// What to answer to each; nil where there is nothing to do.
    /// - Parameter questions: what some of the mails ask, by position.
    private func answers(
        to questions: some Sequence<(Int, MailQuestion)>, of subjects: [TriageSubject], _ results: [TriageResult]
    ) async throws -> [Answer?] {
        let calibration = await self.knowledge.calibration
        let work = questions.map(\.0)
        let inquiries = questions.map { self.inquiry($1, subjects[$0], results[$0], calibration) }
        var found = try await self.knowledge.answerer.answers(to: inquiries)
        if let chat {
            found = await chat.improved(zip(found, inquiries).map { ($0, $1.question) })
            for (index, answer) in zip(work, found) {
                guard let failure = answer.modelFailure else { continue }
                self.context.logger.notice(
                    "the model's draft is not used",
                    metadata: .with([.ticket: subjects[index].ticketID, .reason: failure.code.rawValue]))
            }
        }
        var answers = [Answer?](repeating: nil, count: subjects.count)
        let memory = try await CustomerMemory(
            store: self.context.store, subjects: work.map { subjects[$0] }, vectors: work.map { results[$0].embedding },
            model: self.model)
        for (index, (answer, inquiry)) in zip(work, zip(found, inquiries)) {
            answers[index] = memory.adding(to: answer, question: inquiry.question, subject: subjects[index])
        }
        return answers
    }

    private func inquiry(
        _ question: MailQuestion, _ subject: TriageSubject, _ result: TriageResult,
        _ calibration: ConfidenceCalibration
    ) -> Answerer.Inquiry {
        let settings = self.context.settings.draft
        let analysis = result.analysis
        var question = question
        question.customerAddress = subject.customerEmail
        question.language = analysis.language
        question.sentiment = analysis.sentiment.score
        question.familiarity = analysis.familiarity
        question.category = analysis.category.topLevel
        question.categoryConfidence = analysis.category.confidence
        var drafter = ExtractiveDrafter(
            floor: settings.floor, signature: settings.signature, linkHosts: settings.linkHosts)
        drafter.templates = settings.templates
        drafter.calibration = calibration
        return .init(
            question, vector: result.embedding, drafter: drafter, isStrict: self.mode(of: subject.mailboxID) == .answer)
    }

    private func decision(
        _ subject: TriageSubject, _ result: TriageResult, _ answer: Answer?, mode: Mode
    ) -> Decision {
        let text = subject.subject + "\n" + subject.question
        var input = DecisionInput(
            mode: mode,
            classification: MessageClassification(
                kind: subject.classification, reasons: [],
                suppressAutoReply: subject.suppressAutomatic || subject.isUnsigned),
            analysis: result.analysis, signs: EscalationSigns(text: text), injection: InjectionSigns(text: text))
        input.draft = answer?.draft
        input.deskLanguage = self.mailboxes[subject.mailboxID]?.language ?? "en"
        input.draftRemarks = answer?.remarks ?? []
        input.gap = answer?.draft == nil ? answer?.remarks.first : nil
        input.uncoveredRequests = answer?.uncovered.count ?? 0
        input.foreignSentences = answer?.foreign.count ?? 0
        input.isKnownVIP = self.isVIP(subject)
        input.contactCount = subject.contacts
        input.isAnswered = subject.isAnswered
        input.isSuperseded = subject.isSuperseded
        // A marked mail may come from somebody who takes no part in the ticket: nothing goes out alone because of it.
        input.isSenderVerified = subject.isFlagged ? false : subject.isVerified
        input.wasAnsweredAutomatically = subject.standing.wasAnswered
        input.isWithinCaps = LoopGuard.hasRoom(for: subject, caps: self.context.settings.automaticCaps)
        input.isRecent =
            Date().timeIntervalSince(subject.internalDate) <= self.context.settings.automaticMaxAge / .seconds(1)
        return DecisionPolicy.decide(input, settings: self.context.settings.draft)
    }

    // MARK: - What follows

    private func addDraft(
        to outcome: inout Outcome, _ subject: TriageSubject, _ answer: Answer?, _ outgoing: OutgoingMail,
        nextID: () -> Int64
    ) {
        guard let draft = answer?.draft, !subject.hasTouchedDraft else { return }
        let writeID = nextID()
        guard let message = outgoing.reply(subject, body: draft.body, sequence: writeID) else { return }
        outcome.record.draft = .init(id: DraftID(nextID()), writeID: writeID, draft: draft)
        outcome.writes.append(
            self.write(
                writeID, .draft, subject, outcome, message: message, flags: ["\\Draft"], internalDate: nil))
    }

    private func addNote(
        to outcome: inout Outcome, _ subject: TriageSubject, _ result: TriageResult, _ answer: Answer?,
        _ outgoing: OutgoingMail, nextID: () -> Int64
    ) {
        guard outgoing.mailbox.notes != .off else { return }
        let writeID = nextID()
        let body = BriefingNote.body(self.briefing(subject, outcome.record, answer))
        let message = outgoing.note(subject, body: body, sequence: writeID)
        outcome.writes.append(
            self.write(
                writeID, .note, subject, outcome, message: message, flags: ["\\Seen"], internalDate: message.date))
    }

    private func addMark(
        to outcome: inout Outcome, _ subject: TriageSubject, _ result: TriageResult, _ mailbox: MailboxSettings,
        nextID: () -> Int64
    ) {
        var flags: [String] = []
        if mailbox.marks == .keywords, outcome.record.decision.action != .silent {
            flags = Marks.flags(for: result.analysis)
        }
        if mailbox.afterImport == .seen { flags.append("\\Seen") }
        var moves = false
        if case .move = mailbox.afterImport { moves = true }
        guard !flags.isEmpty || moves else { return }
        outcome.writes.append(
            MailboxWrite(
                id: nextID(), mailboxID: subject.mailboxID, ticketID: subject.ticketID, messageID: subject.messageID,
                kind: .mark, internetMessageID: nil, bytes: nil, flags: flags, internalDate: nil,
                rank: Self.rank(outcome)))
    }

    private func addNotice(
        to outcome: inout Outcome, _ subject: TriageSubject, _ result: TriageResult, _ answer: Answer?,
        _ outgoing: OutgoingMail, nextID: () -> Int64
    ) {
        let team = self.context.settings.escalation.recipients(
            category: outcome.record.analysis.category.name)
        guard !team.isEmpty else { return }
        let id = nextID()
        let briefing = self.briefing(subject, outcome.record, answer)
        let message = outgoing.notice(
            ticket: subject.ticketID, to: team, subject: EscalationNotice.subject(briefing),
            body: EscalationNotice.body(briefing, customerText: subject.question), sequence: id)
        outcome.mails.append(self.mail(id, .notice, subject, message, recipients: team, from: outgoing))
    }

    private func addAutomaticAnswer(
        to outcome: inout Outcome, _ subject: TriageSubject, _ answer: Answer?, _ outgoing: OutgoingMail,
        nextID: () -> Int64
    ) {
        guard let draft = answer?.draft, !subject.isUnsigned, let customer = MailAddress(subject.customerEmail) else {
            return
        }
        let id = nextID()
        guard let phrases = ReplyPhrases.language(outcome.record.analysis.language),
            var message = outgoing.reply(subject, body: draft.body + "\n\n" + phrases.automatic + "\n", sequence: id)
        else { return }
        message.cc = []
        message.extraHeaders = OutgoingMail.automatic("auto-replied")
        outcome.mails.append(self.mail(id, .answer, subject, message, recipients: [customer], from: outgoing))
    }

    private func briefing(_ subject: TriageSubject, _ record: TriageRecord, _ answer: Answer?) -> Briefing {
        var briefing = Briefing(
            ticket: TicketNumber(subject.ticketNumber), subject: subject.subject, customer: subject.customerEmail,
            analysis: record.analysis, decision: record.decision)
        briefing.draft = answer?.draft
        briefing.remarks =
            (subject.missingPiece.map { ["the customer sent what was missing: \($0)"] } ?? [])
            + (answer?.remarks ?? [])
        briefing.history = (answer?.memories ?? []) + subject.history
        briefing.readers = (subject.isUnsigned ? [] : [subject.customerEmail]) + subject.participants
        if subject.isUnsigned {
            briefing.customer = nil
            briefing.named = Correspondent.addresses(in: "\(subject.question)\n\(subject.bodyText)")
                .filter { !self.context.ownAddresses.contains($0.normalized) }.map(\.address)
        }
        briefing.contactCount = subject.contacts
        return briefing
    }

    private func mail(
        _ id: Int64, _ kind: OutboxMail.Kind, _ subject: TriageSubject, _ message: OutboundMessage,
        recipients: [MailAddress], from outgoing: OutgoingMail
    ) -> OutboxMail {
        OutboxMail(
            id: OutboxID(id), mailboxID: subject.mailboxID, ticketID: subject.ticketID, kind: kind,
            internetMessageID: message.messageID.text,
            // What bounces of a notice helps nobody; what bounces of an answer has to be seen.
            envelopeFrom: kind == .notice ? nil : outgoing.mailbox.address.address,
            recipients: recipients.map(\.address), bytes: MIMEComposer.compose(message), dueAt: nil)
    }

    private func write(
        _ id: Int64, _ kind: MailboxWrite.Kind, _ subject: TriageSubject, _ outcome: Outcome,
        message: OutboundMessage, flags: [String], internalDate: Date?
    ) -> MailboxWrite {
        MailboxWrite(
            id: id, mailboxID: subject.mailboxID, ticketID: subject.ticketID, messageID: subject.messageID, kind: kind,
            internetMessageID: message.messageID.text, bytes: MIMEComposer.compose(message), flags: flags,
            internalDate: internalDate, rank: Self.rank(outcome))
    }

    /// 0 urgent … 3 low.
    private static func rank(_ outcome: Outcome) -> Int { 3 - outcome.record.analysis.priority.level.rank }
}

/// The flags that show an analysis in a mail client. Keywords are ASCII atoms; `$label1…5` are what clients colour.
enum Marks {
    static func flags(for analysis: Analysis) -> [String] {
        var flags: [String] = []
        switch analysis.priority.level {
        case .urgent: flags += ["\\Flagged", "$label1", "urgent"]
        case .high: flags.append("$label2")
        case .normal: break
        case .low: flags.append("$label5")
        }
        flags.append(self.keyword(analysis.category.topLevel))
        flags += analysis.tags.prefix(5).map { self.keyword($0.name) }
        return flags.filter { !$0.isEmpty }
    }

    /// Lower case, every run of other characters becomes one hyphen: `Returns & refunds` → `returns-refunds`.
    static func keyword(_ name: String) -> String {
        name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-")
    }
}
