-- What witnesses have signed: of each the last checkpoint of the log of heads that it saw, and the line that it adds. It is
-- shown with that checkpoint, and tells a node that starts where a proof has to begin.
CREATE TABLE meta_cosignature (
    witness     text COLLATE "C" PRIMARY KEY,
    incarnation integer NOT NULL CHECK (incarnation >= 1),
    size        bigint NOT NULL CHECK (size >= 0),
    root        bytea NOT NULL CHECK (octet_length(root) = 32),
    note        text COLLATE "C" NOT NULL,
    line        text COLLATE "C" NOT NULL,
    cosigned_at timestamptz NOT NULL
);
COMMENT ON TABLE meta_cosignature IS 'RLS: none, because it holds checkpoints of the log of heads and nothing of a tenant';
