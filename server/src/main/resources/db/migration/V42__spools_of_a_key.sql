-- Whether one more spool is taken is known from the newest that its key has begun, and no longer by counting all of its recorder's
-- with the ledger's head locked. The bound is one of a key: whoever has stolen one does not keep out those of its subject that
-- have another.
ALTER TABLE ledger_spool
    -- The id of the key that told of the spool first, and how many it had begun then with this one. Null of spools from before,
    -- which count for no key.
    ADD COLUMN begun_by_key  text COLLATE "C",
    ADD COLUMN begun_as      bigint CHECK (begun_as >= 1),
    -- It has told of records, and nothing of it was taken. Batches that follow each other do not change this, so that its index
    -- costs them nothing.
    ADD COLUMN only_heard_of boolean NOT NULL DEFAULT false,
    ADD CHECK (num_nulls(begun_by_key, begun_as) IN (0, 2));

CREATE INDEX ledger_spool_of_key ON ledger_spool (tenant_id, begun_by_key, begun_as);
CREATE INDEX ledger_spool_heard_of ON ledger_spool (tenant_id, begun_by_key) WHERE only_heard_of;
-- Of whichever recorder.
CREATE INDEX ledger_spool_by_id ON ledger_spool (tenant_id, spool_id);
