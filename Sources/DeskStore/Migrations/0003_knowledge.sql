-- The knowledge base and its vectors. pgvector itself is installed by the database's owner: the program connects as a
-- role that may not create extensions.
do $$
begin
    if not exists (select from pg_extension where extname = 'vector') then
        raise exception 'the extension vector is missing: run "create extension vector" in this database as its owner'
            using errcode = 'undefined_object';
    end if;
end
$$;

create table knowledge_base (
    id bigint primary key,
    -- Stable over re-imports: a file's path below the imported folder, or the id of its row.
    key text not null unique check (octet_length(key) between 1 and 1000),
    title text not null,
    -- Markdown.
    content text not null,
    category text,
    tags text[] not null default '{}',
    url text,
    -- Of everything above and of the way passages are cut: what is the same is not cut and embedded again.
    source_sha256 bytea not null check (octet_length(source_sha256) = 32),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    is_active boolean not null default true
);

create table chunk (
    id bigint primary key,
    article_id bigint not null references knowledge_base on delete cascade,
    ordinal int not null check (ordinal >= 0),
    -- Headings above the passage, outermost first.
    heading text not null,
    content text not null,
    tsv tsvector generated always as (to_tsvector('simple', left(heading || ' ' || content, 262144))) stored,
    unique (article_id, ordinal)
);
create index chunk_tsv on chunk using gin (tsv);

-- Vectors of different weights cannot be compared: each row names what made it.
create table embedding_model (
    id bigint generated always as identity primary key,
    name text not null,
    -- Hexadecimal.
    weights_sha256 text not null check (weights_sha256 ~ '^[0-9a-f]{64}$'),
    tokenizer text not null,
    dims int not null check (dims between 1 and 4000),
    pooling text not null,
    created_at timestamptz not null default now(),
    unique (weights_sha256, tokenizer, pooling)
);

-- Narrow, so that an exact scan stays fast. The title's vector stands with the article's first passage.
create table chunk_embedding (
    chunk_id bigint not null references chunk on delete cascade,
    model_id bigint not null references embedding_model,
    kind text not null check (kind in ('title', 'chunk')),
    embedding halfvec(384) not null,
    primary key (chunk_id, model_id, kind)
);
