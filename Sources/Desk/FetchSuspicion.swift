internal import MailTransport

/// The search for a mail that the server refuses to send or hangs up over, from one connection to the next: what could
/// not be fetched comes again in smaller pieces until one mail is left. Pure.
struct FetchSuspicion {
    /// So many times the fetch of a mail alone fails before it counts as one that the server does not hand out…
    static let limit = 3
    /// … and so many times when the server sent another one right before: then it is no trouble of the server's.
    static let limitBesideOthers = 2

    private struct Suspect {
        let uid: UID
        var failures = 0
        var isUnprovable = false
    }

    private var uidValidity: UInt32?
    /// How many mails the last fetch that failed was of; nil while nothing is searched for.
    private var count: Int?
    private var suspect: Suspect?
    /// Mails that the server does not hand out.
    private(set) var guilty: Set<UID> = []
    /// A mail that the server did send.
    private(set) var innocent: MessageOverview?
    /// The last failure brought the search on.
    private var isCloser = false

    /// Forgets what was of other numbers.
    mutating func begin(uidValidity: UInt32) {
        if self.uidValidity != uidValidity { self = FetchSuspicion() }
        self.uidValidity = uidValidity
        self.isCloser = false
    }

    /// Whether it is worth while to see if the server sends another mail, right before `uid` is asked for once more.
    func wantsProof(against uid: UID) -> Bool {
        self.suspect.map { $0.uid == uid && !$0.isUnprovable } ?? false
    }

    /// - Parameter besideOthers: The same connection brought another mail right before.
    mutating func failed(_ uids: [UID], besideOthers: Bool) {
        // Each of these connections pays for itself: there are as many as halvings, then those of a mail alone.
        self.isCloser = self.count.map { uids.count < $0 } ?? true
        self.count = uids.count
        guard uids.count == 1, let uid = uids.first else {
            self.suspect = nil
            return
        }
        var suspect = self.suspect.flatMap { $0.uid == uid ? $0 : nil } ?? Suspect(uid: uid)
        suspect.failures += 1
        self.suspect = suspect
        if suspect.failures >= (besideOthers ? Self.limitBesideOthers : Self.limit) {
            self.guilty.insert(uid)
            self.settle()
            self.isCloser = true
        }
    }

    /// The server sent no other mail either: only time can tell.
    mutating func proofFailed() {
        self.suspect?.isUnprovable = true
        self.innocent = nil
        self.isCloser = false
    }

    mutating func sent(_ message: MessageOverview) { self.innocent = message }

    /// Nothing is searched for any more: it was found, or new mails come again.
    mutating func settle() {
        self.count = nil
        self.suspect = nil
    }

    /// Whether the next connection need not wait; asked once for each that ended.
    mutating func takesNextAtOnce() -> Bool {
        defer { self.isCloser = false }
        return self.isCloser
    }
}
