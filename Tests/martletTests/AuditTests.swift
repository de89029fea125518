import Testing

@testable import martlet

@Suite("Audit") struct AuditTests {
    private func account(server: [UInt32], ledger: [UInt32], cursor: UInt32, note: String? = nil)
        -> AuditCommand.Account
    {
        .init(mailbox: "support", folder: "INBOX", server: server, ledger: ledger, cursor: cursor, note: note)
    }

    @Test func `a mail below the cursor that is not in the ledger is missing`() {
        let account = self.account(server: [1, 2, 4, 9], ledger: [1, 4], cursor: 4)
        #expect(account.missing == [2])
        #expect(account.unread == 1)
        #expect(account.gone == 0)
    }

    @Test func `a mail that was moved away is gone, not missing`() {
        let account = self.account(server: [4], ledger: [1, 4], cursor: 4)
        #expect(account.missing.isEmpty)
        #expect(account.gone == 1)
    }

    @Test func `nothing is missing in a folder that is to be read again`() {
        #expect(self.account(server: [1, 2], ledger: [7], cursor: 9, note: "anew").missing.isEmpty)
    }
}
