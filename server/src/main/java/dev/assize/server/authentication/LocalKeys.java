package dev.assize.server.authentication;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.secret.OwnedFile;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The one key of a server without a database: whoever on this machine can read its file calls by it. It is made at the first
 * start and stays; who its callers are is for others to say.
 */
public final class LocalKeys implements ApiKeyRepository, BelievedKeys {

    private final Credential credential;
    private final Digest secretHash;
    private final Set<TenantId> tenants;
    private final Supplier<Recorder> caller;

    private LocalKeys(Credential credential, Digest secretHash, Set<TenantId> tenants, Supplier<Recorder> caller) {
        this.credential = credential;
        this.secretHash = secretHash;
        this.tenants = Set.copyOf(tenants);
        this.caller = caller;
    }

    /**
     * The key of a file, which is made where there is none.
     *
     * @param tenants it reaches
     * @param caller whom it authenticates, asked each time; what it throws refuses the call
     * @throws dev.assize.server.secret.OwnedFileException where others may read the file, or it holds no key
     */
    public static LocalKeys open(Path file, Pepper pepper, Set<TenantId> tenants, Supplier<Recorder> caller) {
        OwnedFile kept = OwnedFile.secret(file);
        if (!kept.exists()) {
            boolean _ = kept.create(Credential.random(new SecureRandom()).text());
        }
        Credential credential = Credential.parse(kept.read())
                .orElseThrow(() -> kept.isNo("key", "one line, asz_<id>_<secret>; delete it to have another made"));
        return new LocalKeys(credential, pepper.mac(credential.secretBytes()), tenants, caller);
    }

    /** As callers present it. */
    public String credential() {
        return credential.text();
    }

    @Override
    public Optional<ApiKey> find(String keyId) {
        return keyId.equals(credential.id()) ? Optional.of(key()) : Optional.empty();
    }

    /** Not where it authenticated somebody else, or it cannot be said whom. */
    @Override
    public boolean believes(ApiKey verified) {
        Recorder self = caller.get();
        return verified.caller().subject().equals(self.caller())
                && verified.caller().home().equals(self.home());
    }

    private ApiKey key() {
        Recorder self = caller.get();
        return new ApiKey(
                new Caller(credential.id(), self.caller(), self.home(), false, tenants, Set.of(), Set.of()),
                secretHash,
                "made by this server",
                Recorder.ASSIZE,
                Instant.EPOCH,
                null,
                null);
    }

    @Override
    public void insert(ApiKey key, AuditEvent event, int most) {
        throw unsupported();
    }

    @Override
    public Optional<ApiKey> revoke(
            TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event) {
        throw unsupported();
    }

    @Override
    public Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries) {
        throw unsupported();
    }

    @Override
    public Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry) {
        throw unsupported();
    }

    @Override
    public void record(TenantId tenant, Recorder recorder, AuditEvent entry) {
        throw unsupported();
    }

    @Override
    public Optional<ApiKey> lastSealed() {
        return Optional.empty();
    }

    @Override
    public List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
        return List.of();
    }

    private static UnsupportedOperationException unsupported() {
        return new UnsupportedOperationException("keys are made and ended at the centre");
    }
}
