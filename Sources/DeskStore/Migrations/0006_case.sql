-- What the desk remembers of a customer, and the case cards that it learns from resolved tickets.

-- What a customer wrote and was told: the only place from which an answer may take something personal. The policy is the
-- second lock behind the filter of each query: without the setting of the transaction nobody sees a row, not even the
-- owner of the table, and with it only rows of that one customer.
create table customer_history (
    message_id bigint primary key references message on delete cascade,
    customer_id bigint not null references customer on delete cascade,
    content text not null check (length(content) <= 4000)
);
create index customer_history_customer on customer_history (customer_id, message_id desc);
alter table customer_history enable row level security;
alter table customer_history force row level security;
create policy own_customer on customer_history
    using (customer_id = nullif(current_setting('martlet.customer', true), '')::bigint);
-- Intake writes for many customers at once and reads nothing.
create policy written on customer_history for insert with check (true);

-- Tickets from which something is to be learned. A job takes them; the row commits with the need for it.
create table learning_due (
    ticket_id bigint primary key references ticket on delete cascade,
    at timestamptz not null default now()
);

-- Words count as the customer's own only when they came from the customer's address, unmarked and not known to be forged;
-- what a colleague in Cc wrote is nobody else's business.
create function remember_messages() returns trigger language plpgsql as $$
begin
    insert into customer_history (message_id, customer_id, content)
    select n.id, t.customer_id, left(n.reply_text, 4000)
    from written n join ticket t on t.id = n.ticket_id
    where n.kind = 'human' and not n.is_flagged and n.reply_text <> ''
        and (n.direction = 'out'
            or (lower(n.sender_address) = t.customer_email and n.is_verified is distinct from false));
    -- An answer that is read after its ticket was done: imported history, or a late look at the Sent folder.
    insert into learning_due (ticket_id)
    select distinct n.ticket_id
    from written n join ticket t on t.id = n.ticket_id
    where n.direction = 'out' and n.kind = 'human' and t.status in ('resolved', 'closed')
    on conflict do nothing;
    return null;
end
$$;
create trigger message_remembered after insert on message referencing new table as written
    for each statement execute function remember_messages();

-- A mail that is put into another ticket belongs to that ticket's customer from then on.
create function remember_moved_message() returns trigger language plpgsql as $$
declare
    before text := current_setting('martlet.customer', true);
begin
    perform set_config(
        'martlet.customer', (select t.customer_id::text from ticket t where t.id = old.ticket_id), true);
    delete from customer_history h where h.message_id = new.id;
    perform set_config('martlet.customer', coalesce(before, ''), true);
    insert into customer_history (message_id, customer_id, content)
    select new.id, t.customer_id, left(new.reply_text, 4000)
    from ticket t
    where t.id = new.ticket_id and new.kind = 'human' and not new.is_flagged and new.reply_text <> ''
        and (new.direction = 'out'
            or (lower(new.sender_address) = t.customer_email and new.is_verified is distinct from false));
    return null;
end
$$;
create trigger message_moved after update of ticket_id on message
    for each row when (old.ticket_id is distinct from new.ticket_id) execute function remember_moved_message();

create function remember_resolved_ticket() returns trigger language plpgsql as $$
begin
    insert into learning_due (ticket_id) values (new.id) on conflict do nothing;
    return null;
end
$$;
create trigger ticket_resolved after update of status on ticket
    for each row when (new.status in ('resolved', 'closed') and old.status not in ('resolved', 'closed')
        and not new.is_history)
    execute function remember_resolved_ticket();

insert into customer_history (message_id, customer_id, content)
select m.id, t.customer_id, left(m.reply_text, 4000)
from message m join ticket t on t.id = m.ticket_id
where m.kind = 'human' and not m.is_flagged and m.reply_text <> ''
    and (m.direction = 'out' or (lower(m.sender_address) = t.customer_email and m.is_verified is distinct from false));
insert into learning_due (ticket_id)
select t.id from ticket t
where t.status in ('resolved', 'closed')
    and exists (select from message m where m.ticket_id = t.id and m.direction = 'out' and m.kind = 'human');

-- A question that was solved once, with the words that solved it. Both texts are masked before they come here.
create table case_card (
    id bigint primary key,
    -- Whose words these are. Whoever erases that ticket withdraws the card.
    ticket_id bigint not null references ticket on delete cascade,
    state text not null default 'proposed' check (state in ('proposed', 'approved', 'rejected', 'merged')),
    category text,
    -- ISO 639-1.
    language text,
    -- For matching only: never shown to customers, never given to a drafter.
    problem text not null check (problem <> ''),
    solution text not null check (solution <> ''),
    merged_into bigint references case_card on delete set null,
    reason text,
    decided_by text,
    decided_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((state = 'proposed') = (decided_at is null))
);
create index case_card_state on case_card (state, id desc);

-- Every ticket that was solved this way.
create table case_source (
    case_id bigint not null references case_card on delete cascade,
    ticket_id bigint not null references ticket on delete cascade,
    primary key (case_id, ticket_id)
);
create index case_source_ticket on case_source (ticket_id);

-- A card that stood in a draft, and whether that ticket was resolved with it.
create table case_use (
    case_id bigint not null references case_card on delete cascade,
    ticket_id bigint not null references ticket on delete cascade,
    used_at timestamptz not null default now(),
    succeeded_at timestamptz,
    primary key (case_id, ticket_id)
);
create index case_use_ticket on case_use (ticket_id);

-- What of a solution may stand in an answer, cut as articles are; the problem's vector stands with part -1.
create table case_passage (
    case_id bigint not null references case_card on delete cascade,
    model_id bigint not null references embedding_model,
    part int not null check (part >= -1),
    content text not null,
    embedding halfvec(384) not null,
    primary key (case_id, model_id, part),
    check ((part = -1) = (content = ''))
);
