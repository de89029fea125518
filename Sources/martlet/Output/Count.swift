import ArgumentParser

/// Numbers with their nouns, for people.
enum Count {
    /// `1 mail`, `2 mails`.
    static func of(_ number: Int, _ noun: String) -> String { Self.of(number, noun, "\(noun)s") }

    /// For `--limit`: nothing shown would read as nothing there.
    static func check(limit: Int) throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
    }

    static func of(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
}
