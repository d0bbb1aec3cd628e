-- When expired grants are next cleaned up: the node that moves this forward does it.
CREATE TABLE clean_up (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_at  timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE clean_up IS 'RLS: none, because it says when something is done next and holds nothing of a tenant';

INSERT INTO clean_up (next_at) VALUES (now());
