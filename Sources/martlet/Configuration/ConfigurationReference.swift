import Desk

/// The list of all keys as a page, made from the tables of fields.
enum ConfigurationReference {
    /// Patterns of all keys, `mailboxes.*.imap` and `token_keys.*` among them.
    static var keys: Set<String> {
        var keys: Set = ["token_keys.*", "token_key", "token_key_file"]
        for field in DeskFields.all { keys.formUnion(Self.names(field)) }
        for field in MailboxFields.all { keys.formUnion(Self.names(field).map { "mailboxes.*.\($0)" }) }
        return keys
    }

    /// The tables for Documentation/configuration.md, in Markdown.
    static var markdown: String {
        """
        ## Keys of the desk

        \(Self.table(DeskFields.all))
        | `token_keys.ID` | secret | | Keys for tokens: the first one signs, all verify. Better as `token_key_file` or \
        the credential `token-key`, with one line `id: secret` for each key. |

        ## Keys of one mailbox

        Each item of `mailboxes` has a `name` (lower-case letters, digits and dashes) and these keys.

        \(Self.table(MailboxFields.all))

        """
    }

    private static func names<Root>(_ field: ConfigurationField<Root>) -> [String] {
        if case .secret = field.content { return [field.key, "\(field.key)_file"] }
        return [field.key]
    }

    private static func table<Root>(_ fields: [ConfigurationField<Root>]) -> String {
        let rows = fields.map { field in
            let names = Self.names(field).map { "`\($0)`" }.joined(separator: ", ")
            let preset = field.preset.map { "`\($0)`" } ?? ""
            return "| \(names) | \(field.kind) | \(preset) | \(field.summary) |"
        }
        return (["| key | value | default | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }
}
