-- Keys of streams that go on are looked up together: the transaction names them in assize.key, with commas between them,
-- which no id of a key has.
ALTER POLICY own_or_presented ON api_key
    USING (home_tenant = current_setting('assize.tenant', true)
        OR key_id = ANY (string_to_array(current_setting('assize.key', true), ',')));

COMMENT ON TABLE api_key IS
    'RLS: tenant, or the keys that the transaction names in assize.key: they are looked up before their tenants are known';
