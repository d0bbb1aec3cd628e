package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.testing.ChangeCall;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a change needs beyond the permission to apply policy, and what is looked at before that is known. */
@Timeout(60)
class ApplyPolicyCallTest {

    private static final String SPOILT = "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1}";

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        put(
                door.admin,
                """
            {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default, prod]}}
            ---
            {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: reader},
              spec: {permissions: [{resources: [vault], actions: [read]}]}}
            ---
            """ + freeze("subject: 'user:bob', environment: prod, until: '2027-01-01T00:00:00Z'")
                        + "---\n"
                        + freeze("subject: 'user:bob', until: '2026-01-01T00:00:00Z'")
                                .replace("name: stop", "name: ended"));
        door.decisions.grant("service:replay", "apply", "tenant:acme/policy");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void liftsNoFreezeWithoutThePermissionToLift() {
        List<String> liftings = List.of(
                freeze("subject: 'user:bob', environment: prod, until: '2026-02-01T00:00:00Z'"),
                freeze("subject: 'user:bob', environment: prod, from: '2026-12-01T00:00:00Z', until:"
                        + " '2027-01-01T00:00:00Z'"),
                freeze("subject: 'user:bob', environment: prod, action: read, until: '2027-01-01T00:00:00Z'"),
                freeze("subject: 'user:carol', environment: prod, until: '2027-01-01T00:00:00Z'"),
                freeze("subject: 'user:bob', environment: default, until: '2027-01-01T00:00:00Z'"));
        for (String lifting : liftings) {
            Refusal.of(() -> put(door.replay, lifting))
                    .is(ErrorReason.PERMISSION_MISSING)
                    .saying("lacks permission `lift` on `tenant:acme/freeze`");
        }
        Refusal.of(() -> delete(door.replay, "stop")).is(ErrorReason.PERMISSION_MISSING);

        delete(door.replay, "ended");
        put(door.replay, freeze("subject: 'user:bob', environment: prod"));
        put(door.replay, freeze("subject: 'user:bob'"));
        put(door.replay, freeze("tenant: true"));
        put(door.replay, freeze("tenant: true").replace("reason: x", "reason: another"));
        put(door.replay, freeze("action: read").replace("name: stop", "name: more"));
        Refusal.of(() -> delete(door.replay, "more")).is(ErrorReason.PERMISSION_MISSING);
        door.decisions.grant("service:replay", "lift", "tenant:acme/freeze");
        delete(door.replay, "more");
        put(door.replay, liftings.getFirst());
    }

    @Test
    void readsNoMoreOfACallerWhoMayApplyNowhere() {
        door.decisions.revokeAll();
        List<ApplyPolicyRequest> messages = new ArrayList<>(List.of(header()));
        messages.add(source("kind: Nonsense\n"));
        messages.add(ApplyPolicyRequest.getDefaultInstance());

        Refusal.of(() -> send(door.replay, messages))
                .is(ErrorReason.PERMISSION_MISSING)
                .saying("lacks permission `apply` on `tenant:acme/policy`");
    }

    @Test
    void stopsReadingWhereThereAreProblemsEnough() {
        List<ApplyPolicyRequest> messages = new ArrayList<>(List.of(header()));
        for (int i = 0; i < 2 * ChangeParts.PROBLEMS; i++) {
            messages.add(source(SPOILT));
        }

        Refusal.of(() -> send(door.replay, messages))
                .is(ErrorReason.POLICY_INVALID)
                .saying(ChangeParts.PROBLEMS + " problems");
    }

    private static String freeze(String spec) {
        return "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: stop}, spec: {" + spec
                + ", reason: x}}\n";
    }

    private void put(String key, String yaml) {
        assertThat(send(key, List.of(header(), source(yaml))).getChangesCount()).isEqualTo(1);
    }

    private void delete(String key, String name) {
        send(
                key,
                List.of(
                        header(),
                        ApplyPolicyRequest.newBuilder()
                                .setDelete(DocumentKey.newBuilder()
                                        .setTenant("acme")
                                        .setKind("Freeze")
                                        .setName(name))
                                .build()));
    }

    private static ApplyPolicyRequest header() {
        return ApplyPolicyRequest.newBuilder()
                .setHeader(ApplyPolicyHeader.getDefaultInstance())
                .build();
    }

    private static ApplyPolicyRequest source(String yaml) {
        return ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder().setYaml(ByteString.copyFromUtf8(yaml)))
                .build();
    }

    private ApplyPolicyResponse send(String key, List<ApplyPolicyRequest> messages) {
        return ChangeCall.send(door.with(PolicyServiceGrpc.newStub(door.channel), key), messages);
    }
}
