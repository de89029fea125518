-- What keeps robots, dead addresses and floods from doing harm, and what people need to put things right again.

alter table customer
    -- Set by a complaint: nothing automatic is sent there.
    add column automatic_stopped_at timestamptz;

alter table message
    -- "Thank you" and nothing else: reopens nothing and asks for nothing.
    add column is_thanks boolean not null default false,
    -- Locality-sensitive hash of the words: mails that differ in a few words differ in a few bits. Null for short ones.
    add column text_key bigint,
    -- The mail, one of ours, came back.
    add column bounced_at timestamptz;
-- Rows arrive in this order: a few pages of index for "what came in the last minutes".
create index message_stored on message using brin (stored_at) with (pages_per_range = 16);

alter table ticket
    -- What refers to this ticket means that one: it was merged by a person.
    add column merged_into_id bigint references ticket;
create index ticket_merged on ticket (merged_into_id) where merged_into_id is not null;

alter table outbox
    -- A notice beyond the hourly cap: a digest tells about it.
    add column held_at timestamptz,
    add column bounced_at timestamptz,
    drop constraint outbox_kind_check,
    add constraint outbox_kind_check
        check (kind in ('acknowledgement', 'answer', 'size_advice', 'notice', 'digest'));
drop index outbox_once;
create unique index outbox_once on outbox (ticket_id, kind) where kind in ('acknowledgement', 'answer', 'size_advice');
create index outbox_held on outbox (mailbox_id, held_at) where state = 'queued' and held_at is not null;
create index outbox_notices on outbox (finished_at) where kind = 'notice';

alter table send_ledger add column text_key bigint;
create index send_ledger_sent on send_ledger (sent_at);

-- Automatic mail that is stopped for a while, because it looked like a loop. What arrives is stored as ever.
create table breaker (
    -- `desk`, `domain:<name>` or `similar:<hash>`.
    key text primary key check (octet_length(key) between 1 and 300),
    reason text not null,
    -- Of the similar texts, where that is the key.
    text_key bigint,
    tripped_at timestamptz not null default now(),
    until_at timestamptz not null,
    check (until_at > tripped_at)
);

-- Message-IDs of mail that left our mailboxes, ours and our agents', so that a report about one can be believed.
create table sent_id (
    -- SHA-256 of the Message-ID.
    id_hash bytea primary key check (length(id_hash) = 32),
    ticket_id bigint references ticket,
    message_id bigint references message,
    learned_at timestamptz not null default now()
);

-- An address that a mail of a ticket did not reach: people hear of it once.
create table delivery_failure (
    ticket_id bigint not null references ticket,
    -- Lower case.
    address text not null,
    -- The report.
    message_id bigint not null references message,
    status text,
    is_permanent boolean not null,
    at timestamptz not null default now(),
    primary key (ticket_id, address)
);
