-- The two roles of a Martlet database. Run it once as a superuser, connected to that database.
-- `martlet_owner` owns the tables and runs `martlet migrate`; `martlet_runtime` is what the daemon connects as: it owns
-- nothing, is no superuser and cannot bypass row-level security, so that the policies on customers' rows hold for it.
do $$
begin
    if not exists (select from pg_roles where rolname = 'martlet_owner') then
        create role martlet_owner login nosuperuser nocreatedb nocreaterole nobypassrls;
    end if;
    if not exists (select from pg_roles where rolname = 'martlet_runtime') then
        create role martlet_runtime login nosuperuser nocreatedb nocreaterole nobypassrls;
    end if;
end
$$;
create extension if not exists vector;
create extension if not exists pg_trgm;
create extension if not exists unaccent;
grant usage, create on schema public to martlet_owner;
alter default privileges for role martlet_owner grant select, insert, update, delete on tables to martlet_runtime;
alter default privileges for role martlet_owner grant usage, select on sequences to martlet_runtime;
alter default privileges for role martlet_owner grant usage on schemas to martlet_runtime;
