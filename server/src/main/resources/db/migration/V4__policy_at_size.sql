-- A tenant of very many documents: what changed since a revision is found, summed up and dated at the cost of the change.

-- Which versions began or ended between two revisions.
CREATE INDEX policy_document_by_begin ON policy_document (scope_key, from_revision);
CREATE INDEX policy_document_by_end ON policy_document (scope_key, to_revision) WHERE to_revision IS NOT NULL;

-- Which revision was current at a moment.
CREATE INDEX policy_revision_by_time ON policy_revision (scope_key, committed_at);

-- When the current revision was committed; null where there is none. The next one is later, and a tenant's is later than
-- that of the platform's policy which it was judged beside, and the other way round, whatever the clocks of nodes say.
ALTER TABLE policy_scope ADD COLUMN committed_at timestamptz;

ALTER TABLE policy_scope NO FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_revision NO FORCE ROW LEVEL SECURITY;
UPDATE policy_scope s
    SET committed_at = (SELECT max(r.committed_at) FROM policy_revision r WHERE r.scope_key = s.scope_key);
ALTER TABLE policy_scope FORCE ROW LEVEL SECURITY;
ALTER TABLE policy_revision FORCE ROW LEVEL SECURITY;

-- What the documents of a scope add up to at a revision, from which its digest is made: 1,024 numbers of 16 bits. Where
-- the row is absent or of another revision than the scope's, it is computed from all documents. Kept whole in its page,
-- with room for the next version beside it.
CREATE TABLE policy_sum (
    scope_key text COLLATE "C" PRIMARY KEY REFERENCES policy_scope,
    revision  bigint NOT NULL CHECK (revision >= 1),
    lanes     bytea NOT NULL CHECK (octet_length(lanes) = 2048)
) WITH (fillfactor = 70);
ALTER TABLE policy_sum ALTER COLUMN lanes SET STORAGE PLAIN;
COMMENT ON TABLE policy_sum IS 'RLS: tenant';

ALTER TABLE policy_sum ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_sum FORCE ROW LEVEL SECURITY;
CREATE POLICY own_scope ON policy_sum
    USING (scope_key = current_setting('assize.tenant', true))
    WITH CHECK (scope_key = current_setting('assize.tenant', true));
