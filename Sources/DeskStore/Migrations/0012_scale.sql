-- Drafts are looked for by their ticket and by the write that filed them; tickets that were resolved long enough ago are
-- looked for every ten seconds.
create index draft_ticket on draft (ticket_id, id);
create index draft_write on draft (write_id);
create index ticket_resolved on ticket (resolved_at) where status = 'resolved';
