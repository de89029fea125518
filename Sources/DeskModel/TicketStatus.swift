/// Where a ticket stands. The diagram is in Documentation/states.md; the same names are a CHECK in the database.
package enum TicketStatus: String, Sendable, Codable, CaseIterable {
    /// Came in; nobody has answered.
    case new
    /// A person has to do something.
    case open
    /// Answered; the customer has the next word.
    case pending
    /// Done; a reply within the window reopens it.
    case resolved
    /// Done for good; a reply opens a linked ticket.
    case closed

    package enum Event: Sendable, Hashable, CaseIterable {
        /// A person wrote in the thread.
        case customerWrote
        /// An agent's mail to the customer was seen, or an automatic answer went out.
        case answered
        case resolve
        case reopen
        /// The window in which a reply reopens has passed.
        case windowPassed
        /// A mail to the customer came back.
        case bounced
    }

    /// The state after `event`; nil when the event is not possible in this state.
    package func after(_ event: Event) -> TicketStatus? {
        switch (self, event) {
        case (.new, .customerWrote): .new
        case (.open, .customerWrote), (.pending, .customerWrote), (.resolved, .customerWrote): .open
        case (.closed, .customerWrote): nil
        case (.new, .answered), (.open, .answered), (.pending, .answered): .pending
        case (.resolved, .answered): .resolved
        case (.closed, .answered): nil
        case (.new, .resolve), (.open, .resolve), (.pending, .resolve): .resolved
        case (.resolved, .resolve), (.closed, .resolve): nil
        case (.resolved, .reopen), (.closed, .reopen): .open
        case (.new, .reopen), (.open, .reopen), (.pending, .reopen): nil
        case (.pending, .bounced), (.resolved, .bounced): .open
        case (.new, .bounced), (.open, .bounced), (.closed, .bounced): nil
        case (.resolved, .windowPassed): .closed
        case (.new, .windowPassed), (.open, .windowPassed), (.pending, .windowPassed), (.closed, .windowPassed): nil
        }
    }
}
