-- Every ticket's text as a vector, for "have we had this before?". Narrow, so that an exact scan stays fast; the index
-- is made only when there are enough rows to need one.
create table ticket_embedding (
    ticket_id bigint not null references ticket,
    model_id bigint not null references embedding_model,
    embedding halfvec(384) not null,
    primary key (ticket_id, model_id)
);
