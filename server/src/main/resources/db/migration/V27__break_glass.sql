-- One key that is kept in an envelope: bound to no role, allowed what changes policy for a while from its first use, and
-- recorded with each.
ALTER TABLE api_key
    ADD COLUMN break_glass   boolean NOT NULL DEFAULT false,
    ADD COLUMN first_used_at timestamptz,
    ADD CHECK (break_glass OR first_used_at IS NULL);
CREATE UNIQUE INDEX api_key_one_seal ON api_key (break_glass) WHERE break_glass AND revoked_at IS NULL;
