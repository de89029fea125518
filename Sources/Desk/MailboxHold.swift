internal import DeskModel
internal import DeskStore
internal import WorkQueue

/// The right of this host to work on one mailbox: taken, renewed, and given up in time.
///
/// IMAP cannot be fenced, so the holder also stops by its own monotonic clock, five seconds before the database would
/// hand the mailbox to another host.
actor MailboxHold {
    static let leaseSeconds = 30
    static let renewInterval: Duration = .seconds(8)
    static let margin: Duration = .seconds(5)

    private let store: DeskStore
    private let mailbox: MailboxID
    private var lease: MailboxLease?
    private var validUntil = ContinuousClock.now

    init(store: DeskStore, mailbox: MailboxID) {
        self.store = store
        self.mailbox = mailbox
    }

    /// - Returns: nil while another host holds the mailbox.
    func acquire() async throws -> MailboxLease? {
        let started = ContinuousClock.now
        let holder = try await self.store.leaseOwner(of: self.mailbox)
        // The next process on this host need not wait until the time of a dead one has passed.
        let replacing = holder.flatMap { ProcessIdentity($0)?.hasEnded == true ? $0 : nil }
        self.lease = try await self.store.acquireLease(
            on: self.mailbox, owner: ProcessIdentity.current.description, replacing: replacing,
            seconds: Self.leaseSeconds)
        if self.lease != nil { self.validUntil = started + .seconds(Self.leaseSeconds) - Self.margin }
        return self.lease
    }

    /// The lease, while it may be used.
    /// - Throws: `StoreError.leaseLost` when it is lost or about to be.
    func current() throws -> MailboxLease {
        guard let lease, ContinuousClock.now < self.validUntil else {
            throw StoreError(.leaseLost, "the lease on the mailbox has run out")
        }
        return lease
    }

    /// Renews until the task is cancelled.
    /// - Throws: `StoreError.leaseLost`.
    func keep() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: Self.renewInterval)
            guard let lease else { return }
            let started = ContinuousClock.now
            do {
                guard try await self.store.renewLease(lease, seconds: Self.leaseSeconds) else {
                    self.lease = nil
                    throw StoreError(.leaseLost, "another host took the mailbox")
                }
                self.validUntil = started + .seconds(Self.leaseSeconds) - Self.margin
            } catch let error as StoreError {
                throw error
            } catch {
                // The database is away: go on until the own clock says stop.
                _ = try self.current()
            }
        }
    }

    func release() async {
        guard let lease else { return }
        self.lease = nil
        try? await self.store.releaseLease(lease)
    }
}
