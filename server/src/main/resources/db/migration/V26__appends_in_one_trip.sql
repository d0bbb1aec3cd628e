-- Appends as one array of rows each: a row arrives as it will stand, where an array for each column is unpacked value by value.

-- What an entry's row has beside the tenant, in the order in which the application sends it.
CREATE TYPE ledger_row AS (
    seq                bigint,
    recorded_at        timestamptz,
    frame              bytea,
    entry_hash         bytea,
    outcome            smallint,
    occurred_at        bigint,
    recorded_by        text,
    recorded_by_tenant text,
    type               text,
    category           text,
    actor              text,
    role               text,
    action             text,
    resource           text,
    env                text,
    run_id             text,
    decision_id        text
);

CREATE TYPE ledger_answer AS (
    recorded_by_tenant text,
    recorded_by        text,
    key                text,
    content_hash       bytea,
    first_seq          bigint,
    entry_count        integer,
    recorded_at        timestamptz
);

-- Old answers are removed now and then, and not by each append: that they are old is known of whole ranges of the table.
DROP INDEX ledger_idempotency_by_time;
CREATE INDEX ledger_idempotency_by_time ON ledger_idempotency USING brin (recorded_at)
    WITH (pages_per_range = 16, autosummarize = on);
