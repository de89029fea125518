-- Tokens that chat models were asked for, by day (UTC): a budget that no restart and no second host resets.
create table chat_usage (
    day date primary key,
    tokens bigint not null check (tokens >= 0)
);
