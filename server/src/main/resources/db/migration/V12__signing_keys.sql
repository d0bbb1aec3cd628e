-- Every key that has signed here, by its public half: so that the first use of another one is recorded once, by one node.
CREATE TABLE signing_key (
    vkey          text COLLATE "C" PRIMARY KEY,
    first_used_at timestamptz NOT NULL
);
COMMENT ON TABLE signing_key IS 'RLS: none, because it holds public keys of the deployment and nothing of a tenant';
