-- An answer is looked for by all four columns, and a key of its own is what tells it from others: an index that begins with the
-- tenant and the key compares two texts where one that ends with the key compares four, at each step of each append.

ALTER TABLE ledger_idempotency DROP CONSTRAINT ledger_idempotency_pkey,
    ADD PRIMARY KEY (tenant_id, key, recorded_by, recorded_by_tenant);
