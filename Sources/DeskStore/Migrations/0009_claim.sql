-- The process that claimed a mail, so that what a dead one left is taken back at once.
alter table outbox add column claimed_by text;
