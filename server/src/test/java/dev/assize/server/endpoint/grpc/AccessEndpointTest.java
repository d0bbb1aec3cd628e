package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.CreateKeyResponse;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListKeysResponse;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.server.endpoint.call.ErrorReason;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessEndpointTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        for (String action : List.of("create", "read", "revoke")) {
            door.decisions.grant("service:replay", action, "tenant:acme/key");
        }
        door.decisions.grant("service:replay", "act-as", "tenant:acme/subject:service");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesKeysThatReachFurtherThanTheirMaker() {
        refusesAsTooMuch(door.replay, key().addTenants("*"));
        refusesAsTooMuch(door.replay, key().addTenants("acme").addTenants("other"));
        String limited =
                door.key("service:replay", "acme", false, Set.of("staging"), Set.of("AccessService/CreateKey"), "acme");
        refusesAsTooMuch(limited, key().addRpcs("AccessService/CreateKey"));
        refusesAsTooMuch(limited, key().addRpcs("AccessService/CreateKey").addEnvs("production"));
        refusesAsTooMuch(limited, key().addEnvs("staging"));
        refusesAsTooMuch(limited, key().addEnvs("staging").addRpcs("DecisionService/Check"));
        create(limited, key().addEnvs("staging").addRpcs("AccessService/CreateKey"));
    }

    @Test
    void refusesKeysForOthersWithoutThePermissionToActAsThem() {
        Refusal.of(() -> create(door.replay, key().setSubject("user:alice"))).is(ErrorReason.ACT_AS_MISSING);
        door.decisions.revokeAll();
        door.decisions.grant("service:replay", "create", "tenant:acme/key");
        Refusal.of(() -> create(door.replay, key())).is(ErrorReason.ACT_AS_MISSING);

        create(door.replay, key().setSubject("service:replay"));
    }

    @Test
    void refusesKeysThatOutliveTheirMaker() {
        long end = 1_900_000_000;
        String maker = create(door.replay, key().setSubject("service:replay").setExpiresAt(seconds(end)))
                .getCredential();

        refusesAsTooMuch(maker, key());
        refusesAsTooMuch(maker, key().setExpiresAt(seconds(end + 1)));
        CreateKeyResponse made = create(maker, key().setExpiresAt(seconds(end)));
        assertThat(made.getKey().getExpiresAt().getSeconds()).isEqualTo(end);
    }

    private static Timestamp seconds(long seconds) {
        return Timestamp.newBuilder().setSeconds(seconds).build();
    }

    @Test
    void refusesMalformedKeysByTheirField() {
        refuses(key().setSubject("replay"), "subject");
        refuses(key().setSubject("group:noc"), "subject");
        refuses(key().setSubject("pseudonym:" + "0".repeat(64)), "subject");
        refuses(key().addTenants("acme").addTenants("no tenant"), "tenants[1]");
        refuses(key().addEnvs("-"), "envs[0]");
        refuses(key().addRpcs("DecisionService/Guess"), "rpcs[0]");
        refuses(key().setDescription("x".repeat(257)), "description");
        refuses(key().setExpiresAt(Timestamp.newBuilder().setSeconds(1)), "expires_at");
        CreateKeyRequest.Builder many = key();
        for (int i = 0; i <= AccessEndpoint.KEY_LIST_ITEMS; i++) {
            many.addTenants("t" + i);
        }
        refuses(many, "tenants");
    }

    @Test
    void refusesAHomeThatDoesNotExist() {
        Refusal.of(() -> create(door.admin, key().setTenant("nowhere"))).is(ErrorReason.TENANT_NOT_FOUND);
    }

    @Test
    void makesAKeyThatAuthenticatesAndRevokesIt() {
        door.decisions.grant("service:new", "check", "tenant:acme/policy");
        CreateKeyResponse created = create(door.replay, key());
        assertThat(created.getKey().getTenantsList()).containsExactly("acme");
        assertThat(created.getKey().getCreatedBy()).isEqualTo("service:replay");
        CheckRequest check = CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("replay:1")
                .setAction("execute")
                .build();
        assertThat(door.decisions(created.getCredential()).check(check).getReasonValue())
                .isOne();

        RevokeKeyRequest revoke = RevokeKeyRequest.newBuilder()
                .setTenant("acme")
                .setId(created.getKey().getId())
                .build();
        assertThat(door.access(door.replay).revokeKey(revoke).getKey().hasRevokedAt())
                .isTrue();
        Refusal.of(() -> door.decisions(created.getCredential()).check(check)).is(ErrorReason.CREDENTIALS_INVALID);
    }

    @Test
    void revokesOnlyKeysOfTheTenantNamed() {
        door.decisions.addTenant("other");
        String id = create(door.replay, key()).getKey().getId();
        Refusal.of(() -> door.access(door.admin)
                        .revokeKey(RevokeKeyRequest.newBuilder()
                                .setTenant("other")
                                .setId(id)
                                .build()))
                .is(ErrorReason.KEY_NOT_FOUND);
        Refusal.of(() -> door.access(door.admin)
                        .revokeKey(RevokeKeyRequest.newBuilder()
                                .setTenant("acme")
                                .setId("../x")
                                .build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("id");
    }

    @Test
    void listsEveryKeyOnceWithoutSecrets() {
        for (int i = 0; i < 6; i++) {
            create(door.replay, key());
        }
        Set<String> ids = new HashSet<>();
        String token = "";
        do {
            ListKeysResponse page = door.access(door.replay)
                    .listKeys(ListKeysRequest.newBuilder()
                            .setTenant("acme")
                            .setPageSize(3)
                            .setPageToken(token)
                            .build());
            assertThat(page.getKeysCount()).isLessThanOrEqualTo(3);
            for (ApiKey key : page.getKeysList()) {
                assertThat(ids.add(key.getId())).isTrue();
            }
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        // And the fixture's own key of acme.
        assertThat(ids).hasSize(7);
    }

    private void refuses(CreateKeyRequest.Builder request, String field) {
        Refusal.of(() -> create(door.replay, request))
                .is(ErrorReason.REQUEST_INVALID)
                .naming(field);
    }

    private void refusesAsTooMuch(String maker, CreateKeyRequest.Builder request) {
        Refusal.of(() -> create(maker, request)).is(ErrorReason.KEY_EXCEEDS_CALLER);
    }

    private CreateKeyResponse create(String maker, CreateKeyRequest.Builder request) {
        return door.access(maker).createKey(request.build());
    }

    private static CreateKeyRequest.Builder key() {
        return CreateKeyRequest.newBuilder().setTenant("acme").setSubject("service:new");
    }
}
