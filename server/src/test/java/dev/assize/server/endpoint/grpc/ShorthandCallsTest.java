package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.FreezeEntry;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.FrozenBinding;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.GrantResponse;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListFreezesResponse;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.UnconfirmedNode;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentText;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Grants, revocations, freezes and their lifting, as they come in. */
@Timeout(60)
class ShorthandCallsTest {

    private static final PolicyScope ACME = PolicyScope.of(GrpcFixture.ACME);

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default, prod]}
            ---
            apiVersion: assize.dev/v1
            kind: ResourceType
            metadata: {tenant: acme, name: vault}
            spec: {actions: [read, write, own], implies: {own: [write], write: [read]}}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: reader}
            spec: {permissions: [{resources: [vault], actions: [read]}]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: owner}
            spec: {inherits: [reader], permissions: [{resources: [vault], actions: [own], environments: [prod]}]}
            ---
            apiVersion: assize.dev/v1
            kind: Group
            metadata: {tenant: acme, name: staff}
            spec: {members: ["user:alice", "agent:x"]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: of-staff}
            spec: {subjects: ["group:staff"], role: reader}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: of-two}
            spec: {subjects: ["user:bob", "agent:x"], role: owner, scope: {resources: ["vault:1"]}}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: ended}
            spec: {subjects: ["agent:x"], role: owner, notAfter: 2026-03-01T11:59:59Z}
            ---
            apiVersion: assize.dev/v1
            kind: SeparationOfDuty
            metadata: {tenant: acme, name: apart}
            spec: {type: assigned-roles, roles: [reader, owner], limit: 2}
            """;

    @TempDir
    Path directory;

    private GrpcFixture door;
    private PolicyServiceBlockingStub policy;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        policy = door.policies(door.admin);
        apply(POLICY);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesAFreezeOfNothingOfEverythingAndSomethingAndOfWhoeverCouldLiftIt() {
        Refusal.of(() -> policy.freeze(freeze().clearSubject().build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("subject");
        Refusal.of(() -> policy.freeze(freeze().setAll(true).build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("all");
        Refusal.of(() -> policy.freeze(
                        freeze().setTenant("assize").clearSubject().setAll(true).build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("all");
    }

    @Test
    void refusesWhatIsMalformedByTheNameOfItsField() {
        Refusal.of(() -> policy.freeze(freeze().setSubject("x").build())).naming("subject");
        Refusal.of(() -> policy.freeze(freeze().setResource("vault").build())).naming("resource");
        Refusal.of(() -> policy.freeze(freeze().setResourceType("Not a type").build()))
                .naming("resource_type");
        Refusal.of(() -> policy.freeze(freeze().clearReason().build())).naming("reason");
        Refusal.of(() -> policy.freeze(freeze().setReason("x".repeat(1_025)).build()))
                .naming("reason");
        Refusal.of(() -> policy.freeze(freeze().setName("no name").build())).naming("name");
        Refusal.of(() -> policy.freeze(freeze().setWait(seconds(11)).build())).naming("wait");
        Refusal.of(() -> policy.freeze(freeze().setWait(seconds(-1)).build())).naming("wait");
        Refusal.of(() -> policy.freeze(
                        freeze().setIdempotencyKey("k".repeat(129)).build()))
                .naming("idempotency_key");
        Refusal.of(() -> policy.grant(grant().clearSubjects().build())).naming("subjects");
        Refusal.of(() -> policy.grant(grant().setWhen("this is no (condition").build()))
                .is(ErrorReason.POLICY_INVALID);
        Refusal.of(() -> policy.grant(grant().addResources("vault").build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("resources[0]");
        assertThat(revision()).isOne();
        policy.freeze(freeze().setReason("x".repeat(1_024))
                .setWait(seconds(10))
                .setIdempotencyKey("k".repeat(128))
                .build());
    }

    @Test
    void refusesWhatWouldNotBeAppliedEither() {
        Refusal.of(() -> policy.freeze(freeze().setRole("nobody").build())).is(ErrorReason.POLICY_INVALID);
        Refusal.of(() -> policy.grant(grant().setRole("nobody").build())).is(ErrorReason.POLICY_INVALID);
        Refusal.of(() -> policy.freeze(freeze().setTenant("nowhere").build())).is(ErrorReason.TENANT_NOT_FOUND);
        assertThat(revision()).isOne();
    }

    /** A new freeze only takes away; everything else may give. */
    @Test
    void nobodyGivesThemselvesAnythingInShortEither() {
        door.decisions.grant("service:replay", "apply", "tenant:acme/policy");
        door.decisions.grant("service:replay", "create", "tenant:acme/freeze");
        door.decisions.grant("service:replay", "lift", "tenant:acme/freeze");
        PolicyServiceBlockingStub replay = door.policies(door.replay);
        Refusal.of(() -> replay.grant(
                        grant().clearSubjects().addSubjects("service:replay").build()))
                .is(ErrorReason.SELF_ESCALATION);
        policy.grant(grant().clearSubjects().addSubjects("service:replay").build());
        String name =
                replay.freeze(freeze().setSubject("service:replay").build()).getName();
        Refusal.of(() -> replay.unfreeze(unfreeze(name).build())).is(ErrorReason.SELF_ESCALATION);
        policy.unfreeze(unfreeze(name).build());
    }

    @Test
    void refusesWhatIsThereAlreadyAndWhatIsNot() {
        policy.freeze(freeze().setName("stop").build());
        Refusal.of(() -> policy.freeze(freeze().setName("stop").build())).is(ErrorReason.DOCUMENT_EXISTS);
        Refusal.of(() -> policy.grant(grant().setName("of-two").build())).is(ErrorReason.DOCUMENT_EXISTS);
        Refusal.of(() -> policy.unfreeze(unfreeze("go").build())).is(ErrorReason.DOCUMENT_NOT_FOUND);
        Refusal.of(() -> policy.revoke(revoke("of-three").build())).is(ErrorReason.DOCUMENT_NOT_FOUND);
        Refusal.of(() -> policy.revoke(revoke("of-two").setSubject("user:alice").build()))
                .is(ErrorReason.DOCUMENT_NOT_FOUND);
    }

    @Test
    void freezingNeedsThePermissionToFreezeOnlyAndLiftingItsOwn() {
        door.decisions.grant("service:replay", "create", "tenant:acme/freeze");
        PolicyServiceBlockingStub officer = door.policies(door.replay);
        String name = officer.freeze(freeze().build()).getName();
        Refusal.of(() -> officer.unfreeze(unfreeze(name).build())).is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> officer.listFreezes(list().build())).is(ErrorReason.PERMISSION_MISSING);

        door.decisions.grant("service:replay", "lift", "tenant:acme/freeze");
        officer.unfreeze(unfreeze(name).build());
    }

    @Test
    void aFreezeIsADocumentLikeAnyOther() {
        FreezeResponse frozen = policy.freeze(freeze().setAction("read")
                .setResource("vault:1/shelf:\"2\"")
                .setEnvironment("prod")
                .setRun("run\\1")
                .setUntil(Timestamp.newBuilder().setSeconds(1_800_000_000))
                .build());

        assertThat(frozen.getName()).matches("freeze-[0-9a-f]{32}");
        assertThat(frozen.getCommit().getRevision()).isEqualTo(2);
        assertThat(text(frozen.getName())).isEqualTo("""
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata:
                  tenant: acme
                  name: %s
                spec:
                  subject: agent:x
                  action: read
                  resource: "vault:1/shelf:\\"2\\""
                  environment: prod
                  run: "run\\\\1"
                  reason: "runs wild"
                  until: "2027-01-15T08:00:00Z"
                """.formatted(frozen.getName()));
        assertThat(manifest()).contains("\"origin\":\"freeze\"").contains("\"reason\":\"runs wild\"");
    }

    @Test
    void tellsWhichBindingsAFreezeStops() {
        assertThat(reach(freeze())).containsExactly("of-staff", "of-two");
        assertThat(reach(freeze().setSubject("group:staff"))).containsExactly("of-staff", "of-two");
        assertThat(reach(freeze().setSubject("user:bob"))).containsExactly("of-two");
        assertThat(reach(freeze().setSubject("user:nobody"))).isEmpty();
        assertThat(reach(freeze().clearSubject().setRole("owner"))).containsExactly("of-two");
        assertThat(reach(freeze().clearSubject().setRole("reader"))).containsExactly("of-staff", "of-two");
        assertThat(reach(freeze().clearSubject().setAction("write"))).containsExactly("of-two");
        assertThat(reach(freeze().clearSubject().setAction("read"))).containsExactly("of-staff", "of-two");
        assertThat(reach(freeze().setAction("own").setEnvironment("default"))).isEmpty();
        assertThat(reach(freeze().setResource("vault:2"))).containsExactly("of-staff");
        assertThat(reach(freeze().setResource("vault:1/shelf:1"))).containsExactly("of-staff", "of-two");
        assertThat(reach(freeze().clearSubject().setResourceType("vault"))).hasSize(2);
        assertThat(reach(freeze().clearSubject().setAll(true))).hasSize(2);
    }

    @Test
    void namesTheNodesThatHaveNotConfirmed() {
        NodeIdentity far = NodeIdentity.starting("far", java.time.Duration.ofSeconds(60));
        door.nodes.seen(far);
        List<UnconfirmedNode> unconfirmed =
                policy.freeze(freeze().setWait(seconds(0)).build()).getNodes().getUnconfirmedList();
        assertThat(unconfirmed).singleElement().satisfies(node -> {
            assertThat(node.getName()).isEqualTo("far");
            assertThat(node.getInstanceId()).isEqualTo(far.instanceId());
            assertThat(node.getCutOff()).isFalse();
            assertThat(node.getFreshnessBound().getSeconds()).isEqualTo(60);
        });

        door.nodes.setBroken(true);
        assertThat(policy.freeze(freeze().build()).getNodes().getUnknown()).isTrue();
    }

    @Test
    void aRetryChangesNothingMoreAndSaysWhatTheFirstDid() {
        FreezeResponse first = policy.freeze(freeze().setIdempotencyKey("k").build());
        policy.unfreeze(unfreeze(first.getName()).build());
        FreezeResponse second = policy.freeze(
                freeze().setIdempotencyKey("k").setWait(seconds(0)).build());

        assertThat(second.getName()).isEqualTo(first.getName());
        assertThat(second.getCommit())
                .isEqualTo(first.getCommit().toBuilder().setReplayed(true).build());
        assertThat(policy.listFreezes(list().build()).getFreezesList()).isEmpty();
        Refusal.of(() -> policy.freeze(
                        freeze().setIdempotencyKey("k").setReason("another").build()))
                .is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
        Refusal.of(() -> policy.grant(grant().setIdempotencyKey("k").build())).is(ErrorReason.IDEMPOTENCY_KEY_REUSED);

        door.decisions.grant("service:replay", "create", "tenant:acme/freeze");
        assertThat(door.policies(door.replay)
                        .freeze(freeze().setIdempotencyKey("k").build())
                        .getCommit()
                        .getReplayed())
                .as("somebody else's key")
                .isFalse();

        RevokeRequest revocation = revoke("of-two").setIdempotencyKey("r").build();
        policy.revoke(revocation);
        assertThat(policy.revoke(revocation).getCommit().getReplayed()).isTrue();
    }

    @Test
    void grantsAndTakesAway() {
        GrantResponse granted = policy.grant(grant().addSubjects("group:staff")
                .addEnvironments("prod")
                .addResourceTypes("vault")
                .addResources("vault:1")
                .setNotAfter(Timestamp.newBuilder().setSeconds(1_800_000_000))
                .setWhen("action == \"read\"")
                .build());
        assertThat(granted.getName()).matches("grant-[0-9a-f]{32}");
        assertThat(text(granted.getName())).isEqualTo("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata:
                  tenant: acme
                  name: %s
                spec:
                  subjects:
                  - user:carol
                  - group:staff
                  role: reader
                  scope:
                    environments:
                    - prod
                    resourceTypes:
                    - vault
                    resources:
                    - vault:1
                  notAfter: "2027-01-15T08:00:00Z"
                  when: "action == \\"read\\""
                  reason: audit
                """.formatted(granted.getName()));
        assertThat(manifest()).contains("\"origin\":\"grant\"");

        policy.revoke(revoke(granted.getName()).setSubject("group:staff").build());
        assertThat(text(granted.getName())).doesNotContain("group:staff").contains("user:carol");
        policy.revoke(revoke(granted.getName()).setSubject("user:carol").build());
        assertThat(documents()).noneMatch(document -> document.name().equals(granted.getName()));
        assertThat(manifest()).contains("\"origin\":\"revoke\"");
        policy.revoke(revoke("of-two").build());
        assertThat(documents()).noneMatch(document -> document.name().equals("of-two"));
    }

    @Test
    void listsFreezesByPage() {
        policy.freeze(freeze().setName("b")
                .setFrom(Timestamp.newBuilder().setSeconds(1_800_000_000))
                .build());
        policy.freeze(freeze().setName("a").clearSubject().setAll(true).build());

        ListFreezesResponse first = policy.listFreezes(list().setPageSize(1).build());
        assertThat(first.getFreezesList())
                .containsExactly(FreezeEntry.newBuilder()
                        .setName("a")
                        .setAll(true)
                        .setReason("runs wild")
                        .setActive(true)
                        .build());
        ListFreezesResponse second = policy.listFreezes(
                list().setPageSize(1).setPageToken(first.getNextPageToken()).build());
        assertThat(second.getFreezes(0).getName()).isEqualTo("b");
        assertThat(second.getFreezes(0).getActive()).isFalse();
        assertThat(second.getNextPageToken()).isEmpty();
        Refusal.of(() -> policy.listFreezes(list().setTenant("nowhere").build()))
                .is(ErrorReason.TENANT_NOT_FOUND);
    }

    private List<String> reach(FreezeRequest.Builder request) {
        FreezeResponse response = policy.freeze(request.build());
        policy.unfreeze(unfreeze(response.getName()).build());
        assertThat(response.getReach().getCount()).isEqualTo(response.getReach().getBindingsCount());
        return response.getReach().getBindingsList().stream()
                .map(FrozenBinding::getBinding)
                .toList();
    }

    private static FreezeRequest.Builder freeze() {
        return FreezeRequest.newBuilder()
                .setTenant("acme")
                .setSubject("agent:x")
                .setReason("runs wild");
    }

    private static UnfreezeRequest.Builder unfreeze(String name) {
        return UnfreezeRequest.newBuilder().setTenant("acme").setName(name);
    }

    private static GrantRequest.Builder grant() {
        return GrantRequest.newBuilder()
                .setTenant("acme")
                .addSubjects("user:carol")
                .setRole("reader")
                .setReason("audit");
    }

    private static RevokeRequest.Builder revoke(String binding) {
        return RevokeRequest.newBuilder().setTenant("acme").setBinding(binding);
    }

    private static ListFreezesRequest.Builder list() {
        return ListFreezesRequest.newBuilder().setTenant("acme");
    }

    private static Duration seconds(long seconds) {
        return Duration.newBuilder().setSeconds(seconds).build();
    }

    private long revision() {
        return door.policies.current(ACME).revision().value();
    }

    private List<Document> documents() {
        return List.copyOf(door.policies.current(ACME).documents());
    }

    private String text(String name) {
        return documents().stream()
                .filter(document -> document.name().equals(name))
                .map(DocumentText::write)
                .findFirst()
                .orElse("");
    }

    /** The payload of the last manifest. */
    private String manifest() {
        return door.ledger.rows(GrpcFixture.ACME).values().stream()
                .map(entry -> new String(entry.frame(), StandardCharsets.UTF_8))
                .filter(frame -> frame.contains("assize.policy.manifest"))
                .reduce("", (before, last) -> last);
    }

    private void apply(String yaml) {
        List<Document> documents = DocumentReader.read("policy.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                .documents();
        door.injector
                .getInstance(PolicyAdministration.class)
                .apply(
                        new ChangeSet(documents, List.of(), List.of(), false, false, null),
                        Recorder.ASSIZE,
                        any -> true);
    }
}
