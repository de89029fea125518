import Testing

@testable import Desk

@Suite("Watched folder") struct KnowledgeFolderTests {
    /// What a look says to each signature; `done` follows each import.
    private func looks(_ signatures: [String], failing: Bool = false) -> [Bool] {
        var look = FolderLook()
        return signatures.map { signature in
            let isDue = look.isDue(signature)
            if isDue, failing { look.failed() }
            if isDue, !failing { look.done() }
            return isDue
        }
    }

    @Test func `a folder is imported once it has been quiet for one look, and again after a change`() {
        #expect(
            self.looks(["a", "a", "a", "b", "c", "c", "c"]) == [false, true, false, false, false, true, false])
    }

    @Test func `after a failure it waits before it tries again`() {
        let looks = self.looks([String](repeating: "a", count: 14), failing: true)
        #expect(looks.indices.filter { looks[$0] } == [1, 13])
    }
}
