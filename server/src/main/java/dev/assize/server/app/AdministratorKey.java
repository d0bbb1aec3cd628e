package dev.assize.server.app;

import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.cli.Credentials;
import dev.assize.server.cli.ServerTrust;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The first credential: somebody must be able to make the others. It is made where the tenant `assize` has no key yet,
 * and where the server's own database does not know the key of the credentials file (one of the two was restored or
 * deleted). On an operator's database with keys, it is not made again: there the holder of a key makes others.
 */
final class AdministratorKey {

    private static final Logger LOG = LoggerFactory.getLogger(AdministratorKey.class);
    private static final Subject ADMINISTRATOR = new Subject("user", "admin");

    private final ApiKeys keys;
    private final ServerConfig config;

    AdministratorKey(ApiKeys keys, ServerConfig config) {
        this.keys = keys;
        this.config = config;
    }

    /** Sees to it that the credentials file fits this server. */
    void ensure(String address) {
        Optional<Credentials> present = Credentials.read(config.home());
        boolean valid =
                present.isPresent() && keys.authenticate(present.get().key()).isPresent();
        ServerTrust trust = OwnCertificate.trust(config.grpc());
        if (valid
                && present.get().server().equals(address)
                && present.get().trust().equals(trust)) {
            return;
        }
        if (valid) {
            write(new Credentials(address, trust, present.get().key()));
        } else if (config.embedded() || keys.list(TenantId.ASSIZE, null, 1).isEmpty()) {
            write(new Credentials(address, trust, make()));
            LOG.info("Administrator's key written to {}", Credentials.fileIn(config.home()));
        } else {
            LOG.info("No administrator's key in {}: give commands one with ASSIZE_KEY", config.home());
        }
    }

    private String make() {
        return keys.create(
                        new KeyGrant(
                                ADMINISTRATOR,
                                TenantId.ASSIZE,
                                true,
                                Set.of(),
                                Set.of(),
                                Set.of(),
                                "made at the first start",
                                null),
                        Recorder.ASSIZE)
                .credential();
    }

    private void write(Credentials credentials) {
        try {
            credentials.write(config.home());
        } catch (IOException unable) {
            throw new ConfigurationException(
                    "cannot write " + Credentials.fileIn(config.home()) + ": " + unable, unable);
        }
    }
}
