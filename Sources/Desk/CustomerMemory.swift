internal import Answering
internal import DeskModel
internal import DeskStore

/// What the desk remembers of the customers of a batch of mails, each one's for that one's mail only.
struct CustomerMemory: Sendable {
    private let histories: [StoredMessageID: OwnHistory]

    /// - Parameter requests: mails that may get an answer, with their embeddings.
    init(
        store: DeskStore, subjects: [TriageSubject], vectors: [[Float]], model: Int64
    ) async throws {
        let requests = zip(subjects, vectors).compactMap { subject, vector in
            Self.mayRemember(subject) && !vector.isEmpty
                ? DeskStore.HistoryRequest(messageID: subject.messageID, vector: vector) : nil
        }
        let tickets = Dictionary(subjects.map { ($0.messageID, $0.ticketID) }, uniquingKeysWith: { first, _ in first })
        self.histories = try await store.history(before: requests, model: model).reduce(into: [:]) { result, entry in
            let (message, mails) = entry
            result[message] = OwnHistory(
                entries: mails.map { mail in
                    OwnHistory.Entry(
                        ticket: mail.ticket.description, subject: mail.subject, isOurs: mail.isOurs, text: mail.text,
                        isSameTicket: mail.ticketID == tickets[message], likeness: mail.likeness)
                })
        }
    }

    /// Nothing is remembered aloud before somebody whom our mail server calls a forger or whose mail is marked.
    private static func mayRemember(_ subject: TriageSubject) -> Bool {
        !subject.isHistory && !subject.isSuperseded && !subject.isFlagged && subject.isVerified != false
            && subject.classification == .human
    }

    /// The answer with what is known of its customer: for the agent's note always, in the draft only when nobody else
    /// reads it.
    func adding(to answer: Answer, question: MailQuestion, subject: TriageSubject) -> Answer {
        guard let history = self.histories[subject.messageID] else { return answer }
        var answer = answer
        answer.memories = history.remarks
        return subject.participants.isEmpty ? history.adding(to: answer, question: question) : answer
    }
}
