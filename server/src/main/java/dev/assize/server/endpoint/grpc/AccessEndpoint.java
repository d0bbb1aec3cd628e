package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.AccessServiceGrpc.AccessServiceImplBase;
import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.CreateKeyResponse;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DeleteTenantResponse;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListKeysResponse;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.ListTenantsResponse;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ResumeTenantResponse;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.RevokeKeyResponse;
import dev.assize.proto.v1.SealKeyRequest;
import dev.assize.proto.v1.SealKeyResponse;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.server.access.RpcPermissions;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.ApiKeys.CreatedKey;
import dev.assize.server.authentication.ApiKeys.SealedKey;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.Caller;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.authentication.KeysFullException;
import dev.assize.server.authentication.TenantGoneException;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Serves `AccessService`. A key never reaches further than the caller that makes it. */
final class AccessEndpoint extends AccessServiceImplBase {

    /** Names in one list of a key. */
    static final int KEY_LIST_ITEMS = 64;

    static final int DESCRIPTION_BYTES = 256;
    private static final String ALL_TENANTS = "*";

    private final ApiKeys keys;
    private final BreakGlass breakGlass;
    private final Gate gate;
    private final TenantDirectory tenants;
    private final PageTokens tokens;
    private final Replies replies;
    private final ReviewCalls reviews;
    private final CleanUpCalls cleanUps;
    private final TenantCalls life;
    private final InstantSource clock;

    @Inject
    AccessEndpoint(
            ApiKeys keys,
            BreakGlass breakGlass,
            Gate gate,
            TenantDirectory tenants,
            PageTokens tokens,
            Replies replies,
            ReviewCalls reviews,
            CleanUpCalls cleanUps,
            TenantCalls life,
            InstantSource clock) {
        this.reviews = reviews;
        this.cleanUps = cleanUps;
        this.life = life;
        this.keys = keys;
        this.breakGlass = breakGlass;
        this.gate = gate;
        this.tenants = tenants;
        this.tokens = tokens;
        this.replies = replies;
        this.clock = clock;
    }

    @Override
    public void createKey(CreateKeyRequest request, StreamObserver<CreateKeyResponse> observer) {
        replies.reply(observer, () -> createKey(request));
    }

    @Override
    public void listKeys(ListKeysRequest request, StreamObserver<ListKeysResponse> observer) {
        replies.reply(observer, () -> listKeys(request));
    }

    @Override
    public void revokeKey(RevokeKeyRequest request, StreamObserver<RevokeKeyResponse> observer) {
        replies.reply(observer, () -> revokeKey(request));
    }

    @Override
    public void reviewAccess(ReviewAccessRequest request, StreamObserver<ReviewAccessResponse> observer) {
        reviews.review(request, (ServerCallStreamObserver<ReviewAccessResponse>) observer);
    }

    @Override
    public void cleanUpGrants(CleanUpGrantsRequest request, StreamObserver<CleanUpGrantsResponse> observer) {
        replies.reply(observer, () -> cleanUps.cleanUp(request));
    }

    @Override
    public void listTenants(ListTenantsRequest request, StreamObserver<ListTenantsResponse> observer) {
        replies.reply(observer, () -> life.list(request));
    }

    @Override
    public void suspendTenant(SuspendTenantRequest request, StreamObserver<SuspendTenantResponse> observer) {
        replies.reply(observer, () -> life.suspend(request));
    }

    @Override
    public void resumeTenant(ResumeTenantRequest request, StreamObserver<ResumeTenantResponse> observer) {
        replies.reply(observer, () -> life.resume(request));
    }

    @Override
    public void deleteTenant(DeleteTenantRequest request, StreamObserver<DeleteTenantResponse> observer) {
        replies.reply(observer, () -> life.delete(request));
    }

    @Override
    public void sealKey(SealKeyRequest request, StreamObserver<SealKeyResponse> observer) {
        replies.reply(observer, () -> sealKey(request));
    }

    private SealKeyResponse sealKey(SealKeyRequest request) {
        TenantId home = gate.admit(request.getTenant());
        if (!home.equals(TenantId.ASSIZE)) {
            throw RefusedException.invalid("tenant", home.value(), "`assize`, whose key it is");
        }
        CallContext call = CallContext.current();
        String given = Fields.text("description", request.getDescription(), DESCRIPTION_BYTES);
        String description = given == null ? "" : given;
        requireNoMoreThan(
                call.caller(),
                new KeyGrant(call.caller().subject(), home, true, Set.of(), Set.of(), Set.of(), description, null));
        SealedKey sealed = keys.seal(description, call.recorder());
        breakGlass.forget();
        SealKeyResponse.Builder response = SealKeyResponse.newBuilder()
                .setKey(wire(sealed.created().key()))
                .setCredential(sealed.created().credential());
        sealed.voidedId().ifPresent(response::setVoidedId);
        return response.build();
    }

    private CreateKeyResponse createKey(CreateKeyRequest request) {
        TenantId home = gate.admit(request.getTenant());
        CallContext call = CallContext.current();
        KeyGrant grant = grant(request, home);
        requireNoMoreThan(call.caller(), grant);
        requireNoLonger(keys.expiryOf(call.caller()), grant);
        // Whoever has a key of somebody's is that somebody.
        gate.requireActAs(home, grant.subject(), home);
        tenants.requireExists(home);
        CreatedKey created = created(grant, call.recorder());
        return CreateKeyResponse.newBuilder()
                .setKey(wire(created.key()))
                .setCredential(created.credential())
                .build();
    }

    private CreatedKey created(KeyGrant grant, Recorder createdBy) {
        try {
            return keys.create(grant, createdBy, life.keysOf(grant.home()));
        } catch (TenantGoneException meanwhile) {
            throw TenantDirectory.unknown(grant.home());
        } catch (KeysFullException full) {
            throw RefusedException.of(
                    ErrorReason.KEYS_FULL,
                    "tenant `" + grant.home() + "` has " + full.most()
                            + " valid keys, which is as many as its `limits` say: revoke one, or have the limit raised",
                    Map.of("limit", Integer.toString(full.most())));
        }
    }

    private ListKeysResponse listKeys(ListKeysRequest request) {
        TenantId home = gate.admit(request.getTenant());
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = ("ListKeys/" + home).getBytes(StandardCharsets.UTF_8);
        String after = tokens.position(request.getPageToken(), conditions);
        List<dev.assize.server.authentication.ApiKey> page = keys.list(home, after, size + 1);
        ListKeysResponse.Builder response = ListKeysResponse.newBuilder();
        page.stream().limit(size).forEach(key -> response.addKeys(wire(key)));
        if (page.size() > size) {
            response.setNextPageToken(tokens.of(page.get(size - 1).caller().keyId(), conditions));
        }
        return response.build();
    }

    private RevokeKeyResponse revokeKey(RevokeKeyRequest request) {
        TenantId home = gate.admit(request.getTenant());
        if (!request.getId().matches("[a-z0-9]{16}")) {
            throw RefusedException.invalid(
                    "id", request.getId(), "the middle part of `asz_<id>_<secret>`, 16 characters");
        }
        return keys.revoke(home, request.getId(), CallContext.current().recorder())
                .map(key -> RevokeKeyResponse.newBuilder().setKey(wire(key)).build())
                .orElseThrow(() -> RefusedException.notFound(ErrorReason.KEY_NOT_FOUND, "key", request.getId()));
    }

    private KeyGrant grant(CreateKeyRequest request, TenantId home) {
        boolean all = request.getTenantsList().contains(ALL_TENANTS);
        Set<TenantId> reached = request.getTenantsList().isEmpty()
                ? Set.of(home)
                : set(
                        "tenants",
                        request.getTenantsList().stream()
                                .filter(name -> !name.equals(ALL_TENANTS))
                                .toList(),
                        TenantId::new);
        String description = Fields.text("description", request.getDescription(), DESCRIPTION_BYTES);
        return new KeyGrant(
                Fields.read("subject", request.getSubject(), Subject::parseOfActor),
                home,
                all,
                all ? Set.of() : reached,
                set("envs", request.getEnvsList(), Environment::new),
                set("rpcs", request.getRpcsList(), AccessEndpoint::rpc),
                description == null ? "" : description,
                expiry(request));
    }

    private @Nullable Instant expiry(CreateKeyRequest request) {
        if (!request.hasExpiresAt()) {
            return null;
        }
        Instant expiresAt = Fields.instant("expires_at", request.getExpiresAt());
        if (!expiresAt.isAfter(clock.instant())) {
            throw RefusedException.invalid("expires_at", expiresAt.toString(), "a time to come");
        }
        return expiresAt;
    }

    private static String rpc(String name) {
        if (!RpcPermissions.rpcs().contains(name)) {
            throw new MalformedException(name, "an RPC such as `DecisionService/Check`");
        }
        return name;
    }

    private static <T> Set<T> set(String field, List<String> texts, Function<String, T> form) {
        if (texts.size() > KEY_LIST_ITEMS) {
            throw RefusedException.invalid(field, texts.size() + " items", "at most " + KEY_LIST_ITEMS);
        }
        Set<T> values = new LinkedHashSet<>();
        for (int i = 0; i < texts.size(); i++) {
            values.add(Fields.read(field + "[" + i + "]", texts.get(i), form));
        }
        return values;
    }

    private static void requireNoMoreThan(Caller caller, KeyGrant grant) {
        if (!caller.allTenants() && (grant.allTenants() || !caller.tenants().containsAll(grant.tenants()))) {
            throw exceeds("tenants");
        }
        if (exceeds(caller.envs(), grant.envs())) {
            throw exceeds("envs");
        }
        if (exceeds(caller.rpcs(), grant.rpcs())) {
            throw exceeds("rpcs");
        }
    }

    private static void requireNoLonger(Optional<Instant> own, KeyGrant grant) {
        own.ifPresent(end -> {
            if (grant.expiresAt() == null || grant.expiresAt().isAfter(end)) {
                throw RefusedException.of(
                        ErrorReason.KEY_EXCEEDS_CALLER,
                        "expires_at: a key lives no longer than the credential it is made with, which ends at " + end,
                        Map.of("field", "expires_at"));
            }
        });
    }

    /** Empty stands for all. */
    private static <T> boolean exceeds(Set<T> own, Set<T> asked) {
        return !own.isEmpty() && (asked.isEmpty() || !own.containsAll(asked));
    }

    private static RefusedException exceeds(String field) {
        return RefusedException.of(
                ErrorReason.KEY_EXCEEDS_CALLER,
                field + ": a key reaches no further than the credential it is made with",
                Map.of("field", field));
    }

    private static ApiKey wire(dev.assize.server.authentication.ApiKey key) {
        Caller caller = key.caller();
        ApiKey.Builder wire = ApiKey.newBuilder()
                .setId(caller.keyId())
                .setSubject(caller.subject().toString())
                .setHomeTenant(caller.home().value())
                .setDescription(key.description())
                .setCreatedAt(Fields.timestamp(key.createdAt()))
                .setCreatedBy(key.createdBy().caller().toString());
        if (caller.allTenants()) {
            wire.addTenants(ALL_TENANTS);
        }
        caller.tenants().stream().sorted().forEach(tenant -> wire.addTenants(tenant.value()));
        caller.envs().stream().sorted().forEach(env -> wire.addEnvs(env.value()));
        caller.rpcs().stream().sorted().forEach(wire::addRpcs);
        if (key.expiresAt() != null) {
            wire.setExpiresAt(Fields.timestamp(key.expiresAt()));
        }
        wire.setBreakGlass(caller.breakGlass());
        Instant firstUsedAt = key.firstUsedAt();
        Instant usableUntil = key.usableUntil();
        if (firstUsedAt != null && usableUntil != null) {
            wire.setFirstUsedAt(Fields.timestamp(firstUsedAt)).setUsableUntil(Fields.timestamp(usableUntil));
        }
        if (key.revokedAt() != null) {
            wire.setRevokedAt(Fields.timestamp(key.revokedAt()));
        }
        return wire.build();
    }
}
