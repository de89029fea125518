-- What the desk learns from its team: corrections with where they came from, and the models that were made of them.

-- Commands by mail, keywords changed in a mail client and the API use the same door as the command line.
alter table correction add column source text not null default 'command'
    check (source in ('command', 'mail', 'keyword', 'api'));
create index correction_ticket on correction (ticket_id, id);

-- The vector of a corrected mail, so that training does not encode it again. It goes with its message.
create table label_embedding (
    message_id bigint not null references message on delete cascade,
    model_id bigint not null references embedding_model,
    embedding halfvec(384) not null,
    primary key (message_id, model_id)
);

create table triage_model (
    id bigint primary key,
    -- As analyses name it.
    version text not null,
    -- Fingerprint of the taxonomy: under another one the model is not used.
    source text not null,
    -- Corrections that it was taught, and those that were kept from it to judge it by.
    taught int not null,
    held_out int not null,
    -- Accuracy, calibration, and recall by category, on rows that it had not seen.
    figures jsonb not null,
    state text not null check (state in ('serving', 'retired', 'refused')),
    -- Why it serves, or does not.
    reason text not null,
    -- The model file; kept only of the one that serves.
    content bytea check ((state = 'serving') = (content is not null)),
    created_at timestamptz not null default now()
);
create unique index triage_model_serving on triage_model ((true)) where state = 'serving';
