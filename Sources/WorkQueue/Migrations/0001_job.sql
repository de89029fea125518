-- Work that follows from what was committed. Documentation/states-queue.md draws the states.
create table job (
    id bigint generated always as identity primary key,
    kind text not null check (kind ~ '^[a-z][a-z0-9_.-]{0,62}$'),
    -- What the job is about: the id of a ticket, a message… by its kind.
    key bigint,
    payload jsonb not null default '{}',
    -- Higher is more urgent.
    priority smallint not null default 0,
    state text not null default 'available'
        check (state in ('available', 'running', 'completed', 'discarded', 'cancelled')),
    due_at timestamptz not null default now(),
    -- Times it was begun; a snooze or an interruption gives the attempt back.
    attempt smallint not null default 0 check (attempt between 0 and max_attempts),
    max_attempts smallint not null check (max_attempts > 0),
    lease_until timestamptz,
    -- Drawn at random for each claim: only who knows it may finish the job. A counter would repeat itself when a
    -- crash of the server loses a claim that was not yet on disk.
    lease_token bigint,
    locked_by text,
    -- At most one unfinished job has it.
    unique_key text check (unique_key <> ''),
    -- Enqueued again while it was running: runs once more after it is done.
    again boolean not null default false,
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint job_finished_is_final
        check ((state in ('completed', 'discarded', 'cancelled')) = (finished_at is not null)),
    constraint job_running_is_leased
        check (case when state = 'running'
            then lease_until is not null and lease_token is not null and locked_by is not null
            else lease_until is null and lease_token is null and locked_by is null end),
    constraint job_again_is_running check (not again or state = 'running')
)
-- Each job is updated twice or more: leave room on the page for it, and clean up early, for every dead row slows
-- the next claim down.
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- The order of claiming.
create index job_claim on job (kind, priority desc, due_at, id) where state = 'available';
create index job_expiry on job (lease_until) where state = 'running';
create index job_pruning on job (finished_at) where finished_at is not null;
create index job_subject on job (key, kind) where key is not null;
create unique index job_unique on job (unique_key) where unique_key is not null and finished_at is null;
