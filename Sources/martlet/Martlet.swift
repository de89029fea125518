import ArgumentParser

/// The command and its subcommands, in the groups that `martlet --help` shows.
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "A support desk that lives in a mailbox.",
        discussion: """
            Martlet watches IMAP mailboxes, turns mail into tickets, works out what they are about, and puts a \
            proposed answer in the Drafts folder of the mailbox.

            The first steps:
              martlet setup          write a configuration file and a token key
              martlet migrate        make the tables
              martlet doctor         see what is missing, and what to do about it
              martlet serve          watch the mailboxes (systemd runs this)

            Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
            """,
        version: "martlet \(Version.current)",
        groupedSubcommands: [
            CommandGroup(
                name: "Service",
                subcommands: [
                    SetupCommand.self,
                    MigrateCommand.self,
                    DoctorCommand.self,
                    ServeCommand.self,
                    StatusCommand.self,
                    PauseCommand.self,
                    ResumeCommand.self,
                    VersionCommand.self,
                ]),
            CommandGroup(
                name: "Tickets and mail",
                subcommands: [
                    TicketsCommand.self,
                    OutboxCommand.self,
                    QuarantineCommand.self,
                    ImportCommand.self,
                    AuditCommand.self,
                    LearnCommand.self,
                ]),
            CommandGroup(
                name: "Single mails and texts",
                subcommands: [
                    ParseCommand.self,
                    WhyCommand.self,
                    TriageCommand.self,
                    TrainCommand.self,
                    IsolatedParseCommand.self,
                    BenchCommand.self,
                ]),
            CommandGroup(
                name: "Knowledge and answers",
                subcommands: [
                    KnowledgeCommand.self, CaseCommand.self, AnswerCommand.self, ReplayCommand.self, ReportCommand.self,
                ]),
        ])
}
