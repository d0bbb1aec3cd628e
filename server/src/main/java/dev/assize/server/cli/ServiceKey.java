package dev.assize.server.cli;

import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.RevokeKeyRequest;
import java.time.Duration;
import java.util.List;

/** A key that is made anew each time it is needed, its predecessors ended. */
public final class ServiceKey {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final String HOME = "assize";

    private ServiceKey() {}

    /** A new credential for a subject of tenant `assize`; earlier ones of the same description end. */
    public static String renew(Credentials administrator, String subject, List<String> tenants, String description) {
        try (Connection connection =
                new Connection(administrator.server(), administrator.trust(), administrator.key(), TIMEOUT)) {
            connection
                    .access()
                    .listKeys(ListKeysRequest.newBuilder()
                            .setTenant(HOME)
                            .setPageSize(1_000)
                            .build())
                    .getKeysList()
                    .stream()
                    .filter(it -> it.getSubject().equals(subject)
                            && it.getDescription().equals(description)
                            && !it.hasRevokedAt())
                    .map(ApiKey::getId)
                    .forEach(id -> {
                        var _ = connection
                                .access()
                                .revokeKey(RevokeKeyRequest.newBuilder()
                                        .setTenant(HOME)
                                        .setId(id)
                                        .build());
                    });
            return connection
                    .access()
                    .createKey(CreateKeyRequest.newBuilder()
                            .setTenant(HOME)
                            .setSubject(subject)
                            .addAllTenants(tenants)
                            .setDescription(description)
                            .build())
                    .getCredential();
        }
    }
}
