package import Answering
internal import DeskModel
package import DeskStore

/// A person's words for a case card, kept from naming anybody just as the proposed ones are.
package struct CaseApproval: Sendable {
    private let context: DeskContext

    package init(context: DeskContext) { self.context = context }

    /// The same limit as for what is proposed.
    private static let longest = 4000

    /// Approves a card with other words than the proposed.
    ///
    /// - Returns: the words as they are kept, with what was masked.
    /// - Throws: `StoreError.notFound`; `.conflict` when no sentence is left that could stand in an answer, when the words
    ///   are too long, or when the card was merged.
    package func approve(_ id: CaseID, solution: String, actor: String) async throws -> MaskedText {
        guard solution.count <= Self.longest else {
            throw StoreError(.conflict, "the words have \(solution.count) characters, more than \(Self.longest)")
        }
        let store = self.context.store
        _ = try await store.caseCard(id)
        let masked = try await self.masked(solution, on: try await store.sources(of: id))
        guard !CaseText.passages(of: masked.text).isEmpty else {
            let spots = masked.spots.map { "“\($0.original)” (\($0.kind.rawValue))" }.joined(separator: ", ")
            throw StoreError(
                .conflict,
                spots.isEmpty
                    ? "no sentence of these words could stand in an answer"
                    : "each sentence tells who somebody is and none could stand in an answer: \(spots); say it without")
        }
        try await store.approveCase(id, solution: masked.text, actor: actor)
        return masked
    }

    private func masked(_ solution: String, on tickets: [SolvedTicket]) async throws -> MaskedText {
        let theirs = tickets.flatMap { $0.customerTexts + [$0.subject, $0.question].compactMap(\.self) }
        var known = try await CaseIdentities(context: self.context).known(on: tickets, in: [solution])
        known.numbers = (theirs + [solution]).flatMap(OrderNumber.all)
        return Masking(known, masksDates: true, quoted: theirs).mask(solution)
    }
}
