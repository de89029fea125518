internal import DeskModel
internal import DeskStore

extension IntakePlanner {
    /// What a report says about a mail of ours: the address and the mail are marked, people hear of it once, and a ticket
    /// whose answer did not arrive is open again.
    func addReport(
        _ report: (ticket: TicketCandidate, original: MessageID), _ classification: MessageClassification,
        id: StoredMessageID, into plan: inout Plan, lookup: inout IntakeLookup
    ) {
        let ticket = report.ticket
        let named = classification.bounce?.recipients ?? []
        // A report may name anybody: it counts for those whom the mail can have gone to.
        let concerned = named.filter { ticket.isParticipant($0.address) }
        switch classification.kind {
        case .feedback:
            let addresses = concerned.isEmpty ? [ticket.customerEmail] : concerned.map(\.address)
            plan.batch.complaints.formUnion(addresses)
            plan.batch.events.append(
                .init(
                    ticketID: ticket.id, messageID: id, kind: "complaint",
                    detail: ["address": addresses.joined(separator: ", ")]))
        case .bounce:
            for recipient in concerned where recipient.permanent {
                self.addFailure(recipient, report, id: id, into: &plan, lookup: &lookup)
            }
        case .human, .autoReply, .successDSN, .list, .spam, .other: break
        }
    }

    private func addFailure(
        _ recipient: Bounce.Recipient, _ report: (ticket: TicketCandidate, original: MessageID), id: StoredMessageID,
        into plan: inout Plan, lookup: inout IntakeLookup
    ) {
        let ticket = report.ticket
        let delivery = IntakeLookup.FailedDelivery(ticketID: ticket.id, address: recipient.address)
        plan.batch.failures.append(
            .init(
                delivery: delivery, messageID: id, original: report.original, status: recipient.status,
                isPermanent: true))
        let words = recipient.status.map { " (\($0))" } ?? ""
        plan.batch.events.append(
            .init(
                ticketID: ticket.id, messageID: id, kind: "bounce",
                detail: ["address": recipient.address, "status": recipient.status ?? ""]))
        if let status = ticket.status.after(.bounced) { plan.batch.statuses[ticket.id] = status }
        if lookup.knownFailures.insert(delivery).inserted {
            plan.needsEyes.append((ticket.id, "our mail did not reach \(recipient.address)\(words)"))
        }
    }
}
