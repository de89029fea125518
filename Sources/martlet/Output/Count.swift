/// Numbers with their nouns, for people.
enum Count {
    /// `1 mail`, `2 mails`.
    static func of(_ number: Int, _ noun: String) -> String { Self.of(number, noun, "\(noun)s") }

    static func of(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
}
