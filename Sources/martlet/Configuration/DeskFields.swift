import Desk
import DeskModel

/// The keys at the top of the configuration, all but `mailboxes` and `token_keys`.
enum DeskFields {
    static let all: [ConfigurationField<DeskSettings>] = {
        let preset = DeskSettings()
        return Self.general(preset) + Self.database(preset) + Self.policy(preset) + Self.chat(preset.draft.chat)
            + Self.storage(preset)
    }()

    private static func general(_ preset: DeskSettings) -> [ConfigurationField<DeskSettings>] {
        [
            .choice("mode", \.mode, preset: preset.mode, "How far the desk may go in every mailbox."),
            .text("desk_name", \.deskName, preset: preset.deskName, "Name of the shop, for sign-off and notices."),
            .file("hold_file", \.holdFile, preset: preset.holdFile, "While this file exists nothing goes out."),
            .texts(
                "authserv_ids", \.authservIDs,
                "Names of your own mail server in Authentication-Results; others' verdicts are not believed."),
            .file("model_directory", \.modelDirectory, "Folder of the encoder's weights; the shipped one by default."),
            .file("taxonomy_file", \.taxonomyFile, "Categories with examples; the shipped e-commerce ones by default."),
            .integer(
                "workers", \.workers, in: 0...256, preset: preset.workers,
                "Workers for triage and drafting; 0 means one per core."),
        ]
    }

    private static func database(_ preset: DeskSettings) -> [ConfigurationField<DeskSettings>] {
        [
            .secret(
                "database.url", \.database.url,
                "PostgreSQL URL; else DATABASE_URL, else PGHOST and its kin of the environment."),
            .secret(
                "database.direct", \.database.direct,
                "URL past the pooler and of the role that owns the tables, for LISTEN, migrations and the index of vectors."
            ),
            .flag(
                "database.pooled", \.database.isPooled, preset: preset.database.isPooled,
                "Whether a pooler in transaction mode stands between."),
            .integer(
                "database.connections", \.database.connections, in: 2...64, preset: preset.database.connections,
                "Connections that the service opens at most."),
        ]
    }

    private static func policy(_ preset: DeskSettings) -> [ConfigurationField<DeskSettings>] {
        [
            Self.importSince,
            .duration(
                "automatic.max_age", \.automaticMaxAge, in: .seconds(60)...(.seconds(30 * 86_400)),
                preset: preset.automaticMaxAge, "Nothing automatic goes out for a mail older than this."),
            .integer(
                "automatic.address_cap", \.automaticCaps.addressPerDay, in: 0...1_000,
                preset: preset.automaticCaps.addressPerDay, "Automatic mails to one address within a day."),
            .integer(
                "automatic.domain_cap", \.automaticCaps.domainPerHour, in: 0...100_000,
                preset: preset.automaticCaps.domainPerHour,
                "Automatic mails to one domain within an hour; the big mail providers are counted by their words."),
            .integer(
                "automatic.similar_cap", \.automaticCaps.similarPerHour, in: 0...100_000,
                preset: preset.automaticCaps.similarPerHour,
                "Automatic mails within an hour in answer to mails of nearly the same words."),
            .integer(
                "automatic.hourly_cap", \.automaticCaps.deskPerHour, in: 0...1_000_000,
                preset: preset.automaticCaps.deskPerHour, "Automatic mails of the whole desk within an hour."),
            .duration(
                "ack.delay", \.acknowledgement.delay, in: .zero...(.seconds(86_400)),
                preset: preset.acknowledgement.delay, "An answer that goes out earlier replaces the acknowledgement."),
            .text(
                "ack.opening_hours", \.acknowledgement.openingHours,
                "Mentioned in acknowledgements, for example Mon-Fri 9-17."),
            .addresses("escalation.team", \.escalation.team, "Who gets notices of tickets that need a person."),
            Self.onCall,
            .integer(
                "escalation.hourly_cap", \.escalation.hourlyCap, in: 0...10_000, preset: preset.escalation.hourlyCap,
                "Notices an hour; a digest tells about those beyond."),
            .addresses("escalation.vip", \.escalation.vip, "Customers whose mail is always escalated."),
            .fraction(
                "draft.floor", \.draft.floor, preset: preset.draft.floor,
                "Below this confidence nothing is drafted."),
            .fraction(
                "draft.automatic_threshold", \.draft.automaticThreshold, preset: preset.draft.automaticThreshold,
                "Confidence that an automatic answer needs, in mode answer."),
            .texts(
                "draft.automatic_categories", \.draft.automaticCategories,
                "Categories that may be answered automatically, in mode answer."),
            .texts(
                "draft.observed_categories", \.draft.observedCategories,
                "Categories that would be answered automatically but are only noted, in mode answer."),
            .file("knowledge.folder", \.knowledgeFolder, "Folder of articles that the service keeps imported."),
            .texts("draft.link_hosts", \.draft.linkHosts, "Hosts that links in answers may point to."),
            .text("draft.signature", \.draft.signature, "Name under the answers; the desk's name by default."),
            Self.templates,
        ]
    }

    private static func chat(_ preset: ChatSettings) -> [ConfigurationField<DeskSettings>] {
        [
            .text(
                "draft.chat.url", \.draft.chat.url,
                "OpenAI-compatible endpoint up to /v1 that words drafts; none by default."),
            .text("draft.chat.model", \.draft.chat.model, "Name of its model."),
            .secret("draft.chat.key", \.draft.chat.key, "Its key, when it wants one."),
            .duration(
                "draft.chat.timeout", \.draft.chat.timeout, in: .seconds(1)...(.seconds(120)), preset: preset.timeout,
                "For one draft; then the draft without a model stands."),
            .integer(
                "draft.chat.max_tokens", \.draft.chat.maximumTokens, in: 50...4_000, preset: preset.maximumTokens,
                "Of one answer."),
            .integer(
                "draft.chat.daily_tokens", \.draft.chat.dailyTokens, in: 0...100_000_000, preset: preset.dailyTokens,
                "Of all prompts and answers of a day (UTC)."),
        ]
    }

    private static func storage(_ preset: DeskSettings) -> [ConfigurationField<DeskSettings>] {
        [
            .duration(
                "reopen_window", \.reopenWindow, in: .zero...(.seconds(3_650 * 86_400)), preset: preset.reopenWindow,
                "A reply within this time reopens a resolved ticket; a later one opens a linked ticket."),
            .addresses("agents", \.agents, "People who answer customers; what they forward counts as the sender's."),
            Self.threadReferences,
            .duration(
                "retention", \.retention, in: .seconds(86_400)...(.seconds(3_650 * 86_400)),
                preset: preset.retention, "Rows of finished jobs and intake attempts are kept this long."),
            .size(
                "maximum_message_size", \.maximumMessageSize, in: (64 << 10)...(512 << 20),
                preset: preset.maximumMessageSize, "Of larger mails only the header is fetched."),
        ]
    }

    private static let templates = ConfigurationField<DeskSettings>(
        "draft.templates", kind: ConfigurationField<DeskSettings>.fileKind, preset: nil,
        "Folder of Mustache templates for replies; the shipped ones by default.",
        .text { folder, settings throws(ConfigurationComplaint) in
            settings.draft.templates = try ReplyTemplateFolder.read(folder)
        })

    private static let threadReferences = ConfigurationField<DeskSettings>(
        "thread_references", kind: "list of @SENDER WORDS {ref}", preset: "[]",
        "How mail of programs that keep no thread tells what it is about.",
        .list { texts, settings throws(ConfigurationComplaint) in
            settings.threadReferences = []
            for text in texts {
                guard let pattern = ReferencePattern(text) else {
                    throw ConfigurationComplaint(
                        "\(text) is no sender and words with {ref}", remedy: "write \"@market.example Order {ref}\"")
                }
                settings.threadReferences.append(pattern)
            }
        })

    private static let onCall = ConfigurationField<DeskSettings>(
        "escalation.on_call", kind: "list of [CATEGORY] [DAYS] [HOURS] = ADDRESS", preset: "[]",
        "Who gets them in the team's stead, in this machine's time zone; all whose rule fits.",
        .list { texts, settings throws(ConfigurationComplaint) in
            settings.escalation.onCall = []
            for text in texts {
                guard let rule = OnCallRule(text) else {
                    throw ConfigurationComplaint(
                        "\(text) is no rule", remedy: "write \"Shipping Mon-Fri 18:00-08:00 = night@shop.example\"")
                }
                settings.escalation.onCall.append(rule)
            }
        })

    private static let importSince = ConfigurationField<DeskSettings>(
        "import.since", kind: "now, all or a duration", preset: "now",
        "Mail older than this becomes closed history when a folder is first seen.",
        .text { text, settings throws(ConfigurationComplaint) in
            guard let since = ImportSince(text) else {
                throw ConfigurationComplaint(
                    "is neither now nor all nor a duration", remedy: "write now, all, or for example 30d")
            }
            settings.importSince = since
        })
}

extension ImportSince {
    /// Reads `now`, `all` or a duration such as `30d`.
    init?(_ text: String) {
        switch text.lowercased() {
        case "now": self = .now
        case "all": self = .all
        default:
            guard let age = Quantity.duration(text), age > .zero else { return nil }
            self = .age(age)
        }
    }
}
