-- Which mails an article is for. What is null or empty holds for every mail; articles from before are told apart by the
-- next import.
alter table knowledge_base
    -- ISO 639-1.
    add column language text check (language ~ '^[a-z]{2}$'),
    add column products text[] not null default '{}';

-- A case card must not name anybody who ever wrote: all names are looked up when one is proposed.
create index customer_name on customer (lower(name));
