-- Where articles come from, what became of drafts, and what the desk makes of that.

alter table knowledge_base
    -- Folder that is watched, or empty for what was imported by hand: what vanishes from a folder takes only its own along.
    add column origin text not null default '',
    -- Grows with every change of the content.
    add column version int not null default 1 check (version > 0);

-- What a person sent where there was a draft.
create table draft_outcome (
    draft_id bigint primary key references draft,
    -- The answer that the draft is compared with.
    message_id bigint not null references message,
    category text not null,
    -- Confidence before it was fitted to this desk, and as it was shown.
    prior real not null check (prior between 0 and 1),
    shown real not null check (shown between 0 and 1),
    -- Of the words of draft and answer, 0 to 1.
    likeness real not null check (likeness between 0 and 1),
    -- Sent as it was or nearly so.
    is_near boolean not null,
    at timestamptz not null default now()
);
create index draft_outcome_at on draft_outcome (at desc);
