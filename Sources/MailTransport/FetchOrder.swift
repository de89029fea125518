/// Puts fetched messages into the order of their UIDs, whatever order the server answers in.
///
/// A caller that keeps a cursor must never see a UID before a smaller one that is still to come.
struct FetchOrder {
    private var wanted: ArraySlice<UID>
    private var outstanding: Set<UID>
    private var held: [UID: FetchedMessage] = [:]

    /// - Parameter uids: ascending, without repetition.
    init(_ uids: [UID]) {
        self.wanted = uids[...]
        self.outstanding = Set(uids)
    }

    /// Takes a message; one that was not asked for, or came before, is dropped.
    mutating func take(_ message: FetchedMessage) {
        guard self.outstanding.remove(message.uid) != nil else { return }
        self.held[message.uid] = message
    }

    /// The server is through with `uids`: what has not come will not.
    mutating func settle(_ uids: [UID]) { self.outstanding.subtract(uids) }

    /// The next message in order; nil while a smaller one may still come.
    mutating func next() -> FetchedMessage? {
        while let first = self.wanted.first {
            if let message = self.held.removeValue(forKey: first) {
                self.wanted.removeFirst()
                return message
            }
            guard !self.outstanding.contains(first) else { return nil }
            self.wanted.removeFirst()
        }
        return nil
    }
}
