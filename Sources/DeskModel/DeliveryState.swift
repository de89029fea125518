/// Where an outgoing mail stands. The diagram is in Documentation/states.md; the same names are a CHECK in the database.
package enum DeliveryState: String, Sendable, Codable, CaseIterable {
    /// Waits for its time.
    case queued
    /// One host holds it and checks whether it may still go out; nothing was sent.
    case claimed
    /// Committed before the first octet of the body: from here on only the server knows.
    case transmitting
    /// The server took it.
    case sent
    /// The link broke after the final dot, or the process died while transmitting: a person decides.
    case uncertain
    /// Refused for good, or discarded.
    case failed
    /// Not needed any more.
    case cancelled

    package enum Event: Sendable, Hashable, CaseIterable {
        case claim
        /// The holder is gone and its lease has run out.
        case leaseExpired
        case startTransmission
        /// 250 after the final dot.
        case accepted
        /// 4xx, or the link broke before the final dot.
        case deferred
        /// 5xx for every recipient.
        case refused
        /// The link broke after the final dot and before the reply.
        case outcomeUnknown
        /// The ticket was answered, the address is suppressed, a cap is reached.
        case cancel
        /// A person looked and wants it sent again.
        case resend
        /// A person looked and does not.
        case discard
    }

    /// The state after `event`; nil when the event is not possible in this state.
    package func after(_ event: Event) -> DeliveryState? {
        switch (self, event) {
        case (.queued, .claim): .claimed
        case (.queued, .cancel), (.claimed, .cancel): .cancelled
        case (.claimed, .startTransmission): .transmitting
        case (.claimed, .leaseExpired), (.claimed, .deferred): .queued
        case (.claimed, .refused): .failed
        case (.transmitting, .accepted): .sent
        case (.transmitting, .deferred): .queued
        case (.transmitting, .refused): .failed
        // Never back to queued: that would be sending it twice.
        case (.transmitting, .leaseExpired), (.transmitting, .outcomeUnknown): .uncertain
        case (.uncertain, .resend), (.failed, .resend): .queued
        case (.uncertain, .discard): .cancelled
        default: nil
        }
    }
}

/// Where a change to a mailbox stands: a draft or note to append, a mark to set.
///
/// IMAP has no transactions, so the intent is committed first; after a crash the server is asked for the Message-ID.
package enum MailboxWriteState: String, Sendable, Codable, CaseIterable {
    case planned
    /// Committed before the command is sent; whether it arrived is unknown until it is confirmed.
    case writing
    case done
    case cancelled
    case failed

    package enum Event: Sendable, Hashable, CaseIterable {
        case start
        /// The server confirmed it.
        case confirmed
        /// After a crash or a broken link the server was asked and has it.
        case foundOnServer
        /// After a crash or a broken link the server was asked and does not have it.
        case notOnServer
        case refused
        case cancel
    }

    /// The state after `event`; nil when the event is not possible in this state.
    package func after(_ event: Event) -> MailboxWriteState? {
        switch (self, event) {
        case (.planned, .start): .writing
        case (.planned, .cancel): .cancelled
        case (.writing, .confirmed), (.writing, .foundOnServer): .done
        case (.writing, .notOnServer): .planned
        case (.writing, .refused): .failed
        default: nil
        }
    }
}
