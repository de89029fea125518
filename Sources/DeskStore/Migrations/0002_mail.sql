-- Mail, tickets and everything that leaves the desk. The keys are final; later migrations only append.

-- One sequence hands out blocks of 1,000 ids, so that a batch knows its keys before it is written and needs no
-- RETURNING: a process takes a block in one round trip and counts up in memory.
create sequence desk_id increment by 1000 start with 1000;
create sequence ticket_number start with 1001;

-- Switches that every host reads before anything goes out.
create table control (
    key text primary key,
    value text not null,
    changed_at timestamptz not null default now(),
    changed_by text not null
);

create table mailbox (
    id bigint primary key,
    name text not null unique,
    address text not null,
    -- Exactly one host works on a mailbox: the holder of the newest epoch, until the database clock passes lease_until.
    lease_owner text,
    lease_epoch bigint not null default 0,
    lease_until timestamptz,
    last_good_fetch timestamptz,
    created_at timestamptz not null default now()
);

create table folder (
    id bigint primary key,
    mailbox_id bigint not null references mailbox,
    role text not null check (role in ('inbox', 'drafts', 'sent', 'junk', 'archive', 'notes', 'other')),
    name text not null,
    uidvalidity bigint not null,
    -- The cursor: every UID up to here has a folder_item.
    last_uid bigint not null default 0,
    highest_modseq bigint,
    -- UIDs below stood in the folder when it was first seen (or seen again under a new UIDVALIDITY).
    first_new_uid bigint not null,
    -- Mail with an older INTERNALDATE is history; null means that first_new_uid alone decides.
    history_before timestamptz,
    created_at timestamptz not null default now(),
    unique (mailbox_id, name)
);

create table customer (
    id bigint primary key,
    -- Lower case.
    email text not null unique,
    name text,
    -- Set when mail to the address failed for good: nothing automatic is sent there.
    undeliverable_at timestamptz,
    created_at timestamptz not null default now()
);

create table ticket (
    id bigint primary key,
    ticket_number bigint not null unique default nextval('ticket_number'),
    customer_id bigint not null references customer,
    mailbox_id bigint not null references mailbox,
    customer_email text not null,
    customer_name text,
    subject text not null,
    description text not null,
    category text,
    priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
    status text not null default 'new' check (status in ('new', 'open', 'pending', 'resolved', 'closed')),
    sentiment_score real check (sentiment_score between -1 and 1),
    confidence_score real check (confidence_score between 0 and 1),
    created_at timestamptz not null,
    resolved_at timestamptz,
    assigned_agent text,
    resolution text,
    customer_satisfaction smallint check (customer_satisfaction between 1 and 5),
    -- Mail from before the desk: kept and searchable, never answered.
    is_history boolean not null default false,
    language text,
    decision text check (decision in ('silent', 'draft', 'auto', 'escalate')),
    -- The ticket that this one follows, when a reply came after the reopen window or from a stranger.
    linked_ticket_id bigint references ticket,
    -- Which of our addresses the customer wrote to: the answer comes from there.
    answer_from text not null,
    updated_at timestamptz not null default now(),
    check ((status in ('resolved', 'closed')) = (resolved_at is not null))
);
create index ticket_customer on ticket (customer_id, created_at desc);
create index ticket_work on ticket (status, priority, created_at) where not is_history;
create index ticket_created on ticket (created_at desc);

create table message (
    id bigint primary key,
    -- Null for mail that opens no ticket: bounces and automatic replies that belong to none.
    ticket_id bigint references ticket,
    mailbox_id bigint not null references mailbox,
    direction text not null check (direction in ('in', 'out')),
    kind text not null
        check (kind in ('human', 'auto_reply', 'bounce', 'success_dsn', 'feedback', 'list', 'spam', 'other')),
    -- SHA-256 over Message-ID, From, Date, Subject and decoded body: one mail is one row on the whole desk.
    dedupe_key bytea not null unique check (length(dedupe_key) = 32),
    -- Without angle brackets; null when the mail has none. Foreign text is indexed only by its hash.
    internet_message_id text,
    -- Set when another message of the same Message-ID has other content.
    is_flagged boolean not null default false,
    sender_address text,
    sender_name text,
    subject text not null,
    body_text text not null,
    -- What the sender newly wrote.
    reply_text text not null,
    attachment_count int not null default 0,
    suppress_automatic boolean not null,
    -- The own mail server's verdict; null when there is none.
    is_verified boolean,
    classification jsonb not null default '{}',
    repairs text[] not null default '{}',
    -- Why it was put into this ticket.
    thread_reason text not null,
    -- The sender's claim.
    header_date timestamptz,
    -- When our server got it.
    internal_date timestamptz not null,
    stored_at timestamptz not null default now()
);
create index message_ticket on message (ticket_id, id);

create table raw_mail (
    message_id bigint primary key references message,
    bytes bytea not null
);

create table attachment (
    message_id bigint not null references message,
    part int not null,
    filename text not null,
    content_type text not null,
    size bigint not null check (size >= 0),
    sha256 text not null,
    content_id text,
    is_inline boolean not null,
    primary key (message_id, part)
);

-- Which ticket a Message-ID leads to: ids of stored mail, of mail we wrote, and ids seen only in others' References.
create table thread_key (
    -- SHA-256 of the Message-ID.
    id_hash bytea not null check (length(id_hash) = 32),
    ticket_id bigint not null references ticket,
    source text not null check (source in ('received', 'sent', 'referenced')),
    primary key (id_hash, ticket_id)
);

-- Who may write in a ticket besides its customer.
create table participant (
    ticket_id bigint not null references ticket,
    address text not null,
    primary key (ticket_id, address)
);

-- Every UID of every watched folder, once, with what became of it.
create table folder_item (
    folder_id bigint not null references folder,
    uidvalidity bigint not null,
    uid bigint not null check (uid > 0),
    disposition text not null check (disposition in (
        'message', 'duplicate_of', 'own_note', 'own_draft', 'own_sent', 'oversized', 'quarantined', 'history',
        'vanished')),
    message_id bigint references message,
    primary key (folder_id, uidvalidity, uid),
    check ((disposition in ('message', 'duplicate_of', 'history')) = (message_id is not null)
        or disposition in ('oversized', 'quarantined'))
);
create index folder_item_message on folder_item (message_id) where message_id is not null;

-- The batch that is being read, committed before it is parsed: found after a crash, it is halved.
create table intake_attempt (
    folder_id bigint primary key references folder,
    uidvalidity bigint not null,
    first_uid bigint not null,
    last_uid bigint not null,
    attempt int not null,
    started_at timestamptz not null default now()
);

create table quarantine (
    id bigint primary key,
    mailbox_id bigint not null references mailbox,
    folder_id bigint not null references folder,
    uidvalidity bigint not null,
    uid bigint not null,
    ticket_id bigint references ticket,
    reason text not null,
    bytes bytea not null,
    state text not null default 'held' check (state in ('held', 'replayed', 'discarded')),
    created_at timestamptz not null default now()
);

create table analysis (
    id bigint primary key,
    ticket_id bigint not null references ticket,
    message_id bigint not null references message,
    model_version text not null,
    result jsonb not null,
    decision jsonb not null,
    created_at timestamptz not null default now(),
    unique (message_id, model_version)
);
create index analysis_ticket on analysis (ticket_id, id);

-- What is to be written into a mailbox over IMAP. IMAP cannot be fenced, so the intent is committed first and found
-- again on the server by its Message-ID.
create table mailbox_write (
    id bigint primary key,
    mailbox_id bigint not null references mailbox,
    ticket_id bigint not null references ticket,
    message_id bigint references message,
    kind text not null check (kind in ('draft', 'note', 'sent_copy', 'mark', 'remove_draft')),
    -- Of the mail that is appended; opaque and unique, committed before APPEND.
    internet_message_id text unique,
    bytes bytea,
    flags text[] not null default '{}',
    internal_date timestamptz,
    -- 0 urgent … 3 low: urgent tickets reach the mailbox first.
    rank smallint not null,
    state text not null default 'planned'
        check (state in ('planned', 'writing', 'done', 'cancelled', 'failed')),
    attempt int not null default 0,
    due_at timestamptz not null default now(),
    folder_id bigint references folder,
    uidvalidity bigint,
    uid bigint,
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((state in ('done', 'cancelled', 'failed')) = (finished_at is not null)),
    check (kind in ('mark', 'remove_draft') or (internet_message_id is not null and bytes is not null))
);
create index mailbox_write_open on mailbox_write (mailbox_id, rank, id) where state in ('planned', 'writing');
create index mailbox_write_ticket on mailbox_write (ticket_id, id);

create table draft (
    id bigint primary key,
    ticket_id bigint not null references ticket,
    message_id bigint not null references message,
    write_id bigint references mailbox_write,
    state text not null check (state in ('planned', 'placed', 'touched', 'superseded', 'removed', 'vanished')),
    body text not null,
    content jsonb not null,
    confidence real not null check (confidence between 0 and 1),
    -- SHA-256 of what the server gave back right after APPEND; another value means that somebody edited it.
    fingerprint bytea,
    created_at timestamptz not null default now()
);
-- One live draft for each ticket.
create unique index draft_live on draft (ticket_id) where state in ('planned', 'placed', 'touched');

create table outbox (
    id bigint primary key,
    mailbox_id bigint not null references mailbox,
    ticket_id bigint references ticket,
    kind text not null check (kind in ('acknowledgement', 'answer', 'notice')),
    -- One Message-ID for life, also over retries.
    internet_message_id text not null unique,
    envelope_from text,
    recipients text[] not null check (cardinality(recipients) > 0),
    bytes bytea not null,
    state text not null default 'queued'
        check (state in ('queued', 'claimed', 'transmitting', 'sent', 'uncertain', 'failed', 'cancelled')),
    attempt int not null default 0,
    due_at timestamptz not null default now(),
    lease_until timestamptz,
    lease_token bigint,
    -- The server's words, newest last.
    history jsonb not null default '[]',
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((state in ('claimed', 'transmitting')) = (lease_token is not null)),
    check ((state in ('sent', 'failed', 'cancelled')) = (finished_at is not null))
);
create index outbox_due on outbox (mailbox_id, due_at) where state = 'queued';
create index outbox_leased on outbox (lease_until) where state in ('claimed', 'transmitting');
create index outbox_ticket on outbox (ticket_id);
-- At most one acknowledgement and one automatic answer for each ticket, ever.
create unique index outbox_once on outbox (ticket_id, kind) where kind in ('acknowledgement', 'answer');

create sequence lease_token;

-- Automatic mail that went out or may have gone out, for the caps.
create table send_ledger (
    outbox_id bigint not null references outbox,
    address text not null,
    domain text not null,
    ticket_id bigint references ticket,
    kind text not null,
    sent_at timestamptz not null default now(),
    primary key (outbox_id, address)
);
create index send_ledger_address on send_ledger (address, sent_at);
create index send_ledger_domain on send_ledger (domain, sent_at);

-- What happened to a ticket and why; rows are only ever added.
create table event (
    id bigint primary key,
    ticket_id bigint references ticket,
    message_id bigint references message,
    kind text not null,
    actor text not null,
    detail jsonb not null default '{}',
    at timestamptz not null default now()
);
create index event_ticket on event (ticket_id, id);

-- A person's correction of what triage said; learning trains on these.
create table correction (
    id bigint primary key,
    ticket_id bigint not null references ticket,
    message_id bigint references message,
    field text not null check (field in ('category', 'priority', 'tag', 'sentiment')),
    old_value text,
    new_value text not null,
    actor text not null,
    at timestamptz not null default now()
);
