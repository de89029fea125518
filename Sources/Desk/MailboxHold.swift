internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Glibc
internal import Logging

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

    /// `host/pid`, so that the next process on this host knows whether the holder still lives.
    static let owner = "\(ProcessInfo.processInfo.hostName)/\(getpid())"

    /// - Returns: nil while another host holds the mailbox.
    func acquire() async throws -> MailboxLease? {
        let started = ContinuousClock.now
        let holder = try await self.store.leaseOwner(of: self.mailbox)
        let replacing = holder.flatMap { Self.isDead($0) ? $0 : nil }
        self.lease = try await self.store.acquireLease(
            on: self.mailbox, owner: Self.owner, replacing: replacing, seconds: Self.leaseSeconds)
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

    /// Whether `owner` is a process of this host that has ended.
    private static func isDead(_ owner: String) -> Bool {
        let parts = owner.split(separator: "/")
        guard parts.count == 2, parts[0] == ProcessInfo.processInfo.hostName[...], let pid = Int32(parts[1]) else {
            return false
        }
        return pid != getpid() && kill(pid, 0) != 0 && errno == ESRCH
    }
}
