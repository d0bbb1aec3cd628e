-- By which call something was said to a request, where its caller may try again.
ALTER TABLE approval_vote
    ADD COLUMN said_by         text COLLATE "C",
    ADD COLUMN said_by_tenant  text COLLATE "C",
    ADD COLUMN idempotency_key text COLLATE "C",
    ADD CHECK (num_nulls(said_by, said_by_tenant, idempotency_key) IN (0, 3)),
    ADD CONSTRAINT approval_vote_by_key UNIQUE (tenant_id, approval_id, said_by_tenant, said_by, idempotency_key);
