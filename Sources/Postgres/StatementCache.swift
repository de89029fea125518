/// Which statements a session has prepared, by their text and parameter types; the least recently used leave first.
///
/// A text is prepared when it is seen for the second time, so that one-off statements neither cost a round trip nor
/// push the others out.
struct StatementCache {
    enum Plan: Equatable {
        /// Sent with its text.
        case direct
        /// To be prepared under `name` first; `evicted` is to be deallocated.
        case prepare(name: String, evicted: String?)
        case prepared(name: String)
    }

    struct Key: Hashable {
        let text: String
        let types: [PostgresType]
    }

    private struct Entry {
        /// nil: seen once.
        var name: String?
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var clock: UInt64 = 0

    /// - Parameter capacity: 0 switches preparing off.
    init(capacity: Int) { self.capacity = capacity }

    var preparedCount: Int { self.entries.values.count { $0.name != nil } }

    /// Decides for one use of a statement. A `.prepare` is taken as done; call `forget` when it failed.
    mutating func use(_ key: Key) -> Plan {
        guard self.capacity > 0 else { return .direct }
        self.clock += 1
        if let entry = self.entries[key] {
            self.entries[key]!.lastUse = self.clock
            if let name = entry.name { return .prepared(name: name) }
            let name = "m\(self.clock)"
            self.entries[key]!.name = name
            return .prepare(name: name, evicted: self.evict())
        }
        self.entries[key] = Entry(name: nil, lastUse: self.clock)
        self.dropSeen()
        return .direct
    }

    /// The statement is not prepared, or its plan is stale.
    mutating func forget(_ key: Key) { self.entries[key] = nil }

    private mutating func evict() -> String? {
        let prepared = self.entries.filter { $0.value.name != nil }
        guard prepared.count > self.capacity, let oldest = prepared.min(by: { $0.value.lastUse < $1.value.lastUse })
        else { return nil }
        self.entries[oldest.key] = nil
        return oldest.value.name
    }

    /// Texts that were seen once may not pile up.
    private mutating func dropSeen() {
        guard self.entries.count > 4 * self.capacity else { return }
        let seen = self.entries.filter { $0.value.name == nil }.sorted { $0.value.lastUse < $1.value.lastUse }
        for (key, _) in seen.prefix(self.capacity) { self.entries[key] = nil }
    }
}
