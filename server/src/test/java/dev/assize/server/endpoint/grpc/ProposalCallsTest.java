package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GetProposalResponse;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListProposalsResponse;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.Proposal;
import dev.assize.proto.v1.ProposalState;
import dev.assize.proto.v1.ProposeChangeHeader;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.ProposedDocument;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.WithdrawProposalRequest;
import dev.assize.server.endpoint.call.ErrorReason;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Proposals, and changes that others must accept or that are tried again, as they come in. */
@Timeout(60)
class ProposalCallsTest {

    private static final String UNKNOWN = "0123456789abcdef0123456789abcdef";
    private static final String PSEUDONYM = "pseudonym:" + "0".repeat(64);

    @TempDir
    Path directory;

    private GrpcFixture door;
    private PolicyServiceBlockingStub admin;
    private PolicyServiceBlockingStub replay;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        admin = door.policies(door.admin);
        replay = door.policies(door.replay);
        for (String action : List.of("suggest", "accept", "read", "apply")) {
            door.decisions.grant("service:replay", action, "tenant:acme/policy");
        }
        apply(door.admin, ApplyPolicyHeader.getDefaultInstance(), tenant(0) + "---\n" + role("reader", "vault"));
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesWhatIsMalformedByTheNameOfItsField() {
        refusal(header().setTtl(seconds(59))).is(ErrorReason.REQUEST_INVALID).naming("header.ttl");
        refusal(header().setTtl(seconds(30 * 86_400 + 1))).naming("header.ttl");
        refusal(header().setReason("x".repeat(1_025))).naming("header.reason");
        refusal(header().setPruneManager("x".repeat(129))).naming("header.prune_manager");
        refusal(header().setIdempotencyKey("x".repeat(129))).naming("header.idempotency_key");
        refusal(header().setProposer("nobody")).naming("header.proposer");
        refusal(header().setProposer(PSEUDONYM)).naming("header.proposer");
        Refusal.of(() -> apply(
                        door.admin,
                        ApplyPolicyHeader.newBuilder().setActor(PSEUDONYM).build(),
                        role("r", "vault")))
                .naming("header.actor");
        Refusal.of(() -> propose(door.admin, header().build(), tenant(0).replace("acme", "other")))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("tenant");
        Refusal.of(() -> propose(door.admin, header().build(), "")).is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> admin.getProposal(get("nothing")).hasNext()).naming("id");
        Refusal.of(() -> admin.acceptProposal(accept(UNKNOWN).build())).naming("digest");
        Refusal.of(() -> admin.rejectProposal(
                        reject(UNKNOWN).setComment("x".repeat(1_025)).build()))
                .naming("comment");
        propose(
                door.admin,
                header().setTtl(seconds(60))
                        .setReason("x".repeat(1_024))
                        .setIdempotencyKey("x".repeat(128))
                        .build(),
                role("r", "vault"));
        propose(door.admin, header().setTtl(seconds(30 * 86_400)).build(), role("r", "vault"));
    }

    @Test
    void refusesWhatCannotBeProposed() {
        Refusal.of(() -> propose(door.admin, header().build(), role("reader", "vault")))
                .is(ErrorReason.PROPOSAL_EMPTY);
        Refusal.of(() ->
                        propose(door.admin, header().build(), role("r", "vault").replace("vault", "No type")))
                .is(ErrorReason.POLICY_INVALID);
        Refusal.of(() -> propose(
                        door.admin,
                        header().setTenant("nowhere").build(),
                        tenant(0).replace("acme", "nowhere")))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> admin.getProposal(get(UNKNOWN)).hasNext()).is(ErrorReason.PROPOSAL_NOT_FOUND);
        Refusal.of(() -> admin.acceptProposal(accept(UNKNOWN)
                        .setDigest(ByteString.copyFrom(new byte[32]))
                        .build()))
                .is(ErrorReason.PROPOSAL_NOT_FOUND);
        Refusal.of(() -> admin.withdrawProposal(withdraw(UNKNOWN).build())).is(ErrorReason.PROPOSAL_NOT_FOUND);
    }

    @Test
    void suggestingAcceptingAndApplyingAreThreePermissions() {
        door.decisions.revokeAll();
        door.decisions.grant("service:replay", "suggest", "tenant:acme/policy");
        Proposal proposed = propose(door.replay, header().build(), role("r", "vault"));
        Refusal.of(() -> replay.acceptProposal(asSeen(proposed).build())).is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> replay.rejectProposal(reject(proposed.getId()).build()))
                .is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> replay.getProposal(get(proposed.getId())).hasNext()).is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> apply(door.replay, ApplyPolicyHeader.getDefaultInstance(), role("r", "vault")))
                .is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> propose(door.replay, header().setProposer("user:eve").build(), role("r2", "vault")))
                .is(ErrorReason.ACT_AS_MISSING);
        replay.withdrawProposal(withdraw(proposed.getId()).build());
    }

    @Test
    void aCredentialForSomeEnvironmentsChangesNothingInOthers() {
        apply(
                door.admin,
                ApplyPolicyHeader.getDefaultInstance(),
                tenant(0).replace("[default]", "[default, staging, production]") + "---\n"
                        + binding("p", "scope: {environments: [production]}"));
        door.decisions.grant("service:replay", "create", "tenant:acme/freeze");
        String limited = door.key("service:replay", "acme", false, Set.of("staging"), Set.of(), "acme");
        for (String beyond : List.of(
                role("r", "vault"),
                role("reader", "host"),
                binding("b", "reason: everywhere"),
                binding("b", "scope: {environments: [staging, production]}"),
                binding("b", "scope: {environments: ['*']}"),
                binding("p", "scope: {environments: [staging]}"),
                "{apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: acme, name: g}, spec: {members:"
                        + " ['user:x']}}",
                freeze("environment: production"),
                freeze("tenant: true"))) {
            Refusal.of(() -> apply(limited, ApplyPolicyHeader.getDefaultInstance(), beyond))
                    .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        }
        apply(
                limited,
                ApplyPolicyHeader.getDefaultInstance(),
                binding("b", "scope: {environments: [staging]}") + "---\n" + freeze("environment: staging"));

        PolicyServiceBlockingStub policies = door.policies(limited);
        Refusal.of(() -> policies.freeze(freezeOf("").build())).is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        Refusal.of(() -> policies.freeze(freezeOf("production").build())).is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        policies.freeze(freezeOf("staging").build());
        Refusal.of(() -> policies.revoke(RevokeRequest.newBuilder()
                        .setTenant("acme")
                        .setBinding("p")
                        .build()))
                .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        policies.revoke(
                RevokeRequest.newBuilder().setTenant("acme").setBinding("b").build());

        Proposal proposed = propose(door.admin, header().build(), role("r", "vault"));
        Refusal.of(() -> policies.acceptProposal(asSeen(proposed).build())).is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        Refusal.of(() -> policies.rejectProposal(reject(proposed.getId()).build()))
                .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
    }

    /** By the policy of tenant `assize` everybody is judged, in the one environment that it has. */
    @Test
    void aCredentialForSomeEnvironmentsChangesNothingByWhichEverybodyIsJudged() {
        String assize = tenant(0).replace("acme", "assize");
        apply(
                door.admin,
                ApplyPolicyHeader.getDefaultInstance(),
                assize + "---\n" + role("r", "vault").replace("acme", "assize"));
        String limited = door.key("user:admin", "assize", true, Set.of("default"), Set.of());
        apply(limited, ApplyPolicyHeader.getDefaultInstance(), freeze("environment: default"));
        for (String own : List.of(
                binding("b", "scope: {environments: [default]}").replace("reader", "r"),
                freeze("environment: default"),
                "{apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: a}, spec: {resources: [vault],"
                        + " actions: [read], environments: [default], approvals: 1, approverRole: r, pendingTtl: 1h,"
                        + " ttl: 1h}}")) {
            Refusal.of(() -> apply(limited, ApplyPolicyHeader.getDefaultInstance(), own.replace("acme", "assize")))
                    .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        }
        Refusal.of(() -> door.policies(limited)
                        .freeze(freezeOf("default").setTenant("assize").build()))
                .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
    }

    private static String binding(String name, String more) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: " + name
                + "}, spec: {subjects: ['user:x'], role: reader, " + more + "}}\n";
    }

    private static String freeze(String what) {
        return "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f}, spec: {" + what
                + ", reason: r}}\n";
    }

    private static FreezeRequest.Builder freezeOf(String env) {
        return FreezeRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:x")
                .setEnvironment(env)
                .setReason("r");
    }

    @Test
    void whoMayCommentSaysSomethingAndDecidesNothing() {
        Proposal proposed = propose(door.admin, header().build(), role("r", "vault"));
        Refusal.of(() ->
                        replay.commentProposal(comment(proposed.getId(), "why?").build()))
                .is(ErrorReason.PERMISSION_MISSING);
        door.decisions.grant("service:replay", "comment", "tenant:acme/policy");
        Refusal.of(() -> replay.commentProposal(comment(proposed.getId(), "").build()))
                .naming("comment");
        Refusal.of(() -> replay.commentProposal(
                        comment(proposed.getId(), "x".repeat(1_025)).build()))
                .naming("comment");
        Refusal.of(() -> replay.commentProposal(comment(proposed.getId(), "why?")
                        .setIdempotencyKey("x".repeat(129))
                        .build()))
                .naming("idempotency_key");
        Refusal.of(() -> replay.commentProposal(comment(UNKNOWN, "why?").build()))
                .is(ErrorReason.PROPOSAL_NOT_FOUND);
        Proposal said = replay.commentProposal(comment(proposed.getId(), "x".repeat(1_024))
                        .setIdempotencyKey("k")
                        .build())
                .getProposal();
        assertThat(said.getState()).isEqualTo(ProposalState.PROPOSAL_STATE_PENDING);
        assertThat(said.getDigest()).isEqualTo(proposed.getDigest());
        assertThat(said.getComments(0).getAuthor()).isEqualTo("service:replay");
        Refusal.of(() -> replay.commentProposal(comment(proposed.getId(), "other words")
                        .setIdempotencyKey("k")
                        .build()))
                .is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
        assertThat(admin.getProposal(get(proposed.getId()))
                        .next()
                        .getOutlook()
                        .getProposal()
                        .getCommentsList())
                .isEqualTo(said.getCommentsList());
        admin.withdrawProposal(withdraw(proposed.getId()).build());
        Refusal.of(() ->
                        replay.commentProposal(comment(proposed.getId(), "late").build()))
                .is(ErrorReason.PROPOSAL_STATE);
    }

    private static CommentProposalRequest.Builder comment(String id, String text) {
        return CommentProposalRequest.newBuilder().setTenant("acme").setId(id).setComment(text);
    }

    @Test
    void whoProposedItDoesNotDecide() {
        Proposal proposed = propose(door.admin, header().build(), role("r", "vault"));
        Refusal.of(() -> admin.acceptProposal(asSeen(proposed).build())).is(ErrorReason.PROPOSAL_OWN);
        Refusal.of(() -> admin.rejectProposal(reject(proposed.getId()).build())).is(ErrorReason.PROPOSAL_OWN);
        Refusal.of(() -> replay.withdrawProposal(withdraw(proposed.getId()).build()))
                .is(ErrorReason.PROPOSAL_NOT_THEIRS);
        door.approvalPolicy.freeze("service:replay", "stop");
        Refusal.of(() -> replay.acceptProposal(asSeen(proposed).build())).is(ErrorReason.ACCEPTOR_NOT_ELIGIBLE);
    }

    @Test
    void whatIsAcceptedIsWhatWasSeen() {
        Proposal proposed = propose(door.admin, header().setReason("more").build(), role("r", "vault"));
        List<GetProposalResponse> parts = new ArrayList<>();
        replay.getProposal(get(proposed.getId())).forEachRemaining(parts::add);
        assertThat(parts).hasSize(2);
        assertThat(parts.getFirst().getOutlook().getProposal()).isEqualTo(proposed);
        assertThat(parts.getFirst().getOutlook().getOutcome().getDryRun()).isTrue();
        ProposedDocument document = parts.getLast().getDocument();
        assertThat(document.getType()).isEqualTo(ChangeType.CHANGE_TYPE_CREATED);
        assertThat(document.getBefore()).isEmpty();
        assertThat(document.getAfter().toStringUtf8()).contains("kind: Role", "name: r", "vault");

        apply(door.admin, ApplyPolicyHeader.getDefaultInstance(), role("other", "vault"));
        Refusal moved = Refusal.of(() -> replay.acceptProposal(asSeen(proposed).build()));
        moved.is(ErrorReason.PROPOSAL_MOVED);
        Proposal now = seen(proposed.getId());
        assertThat(now.getDigest()).isNotEqualTo(proposed.getDigest());
        assertThat(now.getBaseRevision()).isEqualTo(2);

        Proposal applied =
                replay.acceptProposal(asSeen(now).setComment("fine").build()).getProposal();
        assertThat(applied.getState()).isEqualTo(ProposalState.PROPOSAL_STATE_APPLIED);
        assertThat(applied.getRevision()).isEqualTo(3);
        assertThat(applied.getEndedBy()).isEqualTo("service:replay");
        assertThat(applied.getAcceptances(0).getComment()).isEqualTo("fine");
        Refusal.of(() -> replay.rejectProposal(reject(proposed.getId()).build()))
                .is(ErrorReason.PROPOSAL_STATE);
        // What became of it stays to be seen.
        assertThat(admin.getProposal(get(proposed.getId())).next().getOutlook().hasOutcome())
                .isFalse();
    }

    @Test
    void listsThemNewestFirstPageByPage() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            ids.addFirst(propose(door.admin, header().build(), role("r" + i, "vault"))
                    .getId());
        }
        replay.rejectProposal(reject(ids.getFirst()).build());
        ListProposalsResponse page = list(ProposalState.PROPOSAL_STATE_UNSPECIFIED, 2, "");
        ListProposalsResponse rest = list(ProposalState.PROPOSAL_STATE_UNSPECIFIED, 2, page.getNextPageToken());
        assertThat(page.getProposalsList()).hasSize(2);
        assertThat(rest.getNextPageToken()).isEmpty();
        // Ids of one millisecond sort by chance, so only the whole is compared.
        List<String> listed = new ArrayList<>();
        page.getProposalsList().forEach(it -> listed.add(it.getId()));
        rest.getProposalsList().forEach(it -> listed.add(it.getId()));
        assertThat(listed).containsExactlyInAnyOrderElementsOf(ids).isSortedAccordingTo((a, b) -> b.compareTo(a));
        assertThat(list(ProposalState.PROPOSAL_STATE_REJECTED, 10, "").getProposalsList())
                .hasSize(1);
        assertThat(list(ProposalState.PROPOSAL_STATE_PENDING, 10, "").getProposalsList())
                .hasSize(2);
    }

    @Test
    void saysHowToProposeWhatMayNotBeAppliedAlone() {
        apply(door.admin, ApplyPolicyHeader.getDefaultInstance(), tenant(1));
        Refusal refused =
                Refusal.of(() -> apply(door.admin, ApplyPolicyHeader.getDefaultInstance(), role("r", "vault")));
        refused.is(ErrorReason.ACCEPTANCE_NEEDED);
        assertThat(refused.status().getMessage()).contains("tenant `acme`", "ProposeChange", "assize policy propose");
        assertThat(apply(
                                door.admin,
                                ApplyPolicyHeader.newBuilder().setDryRun(true).build(),
                                role("r", "vault"))
                        .getAcceptancesNeeded())
                .isOne();
        Refusal.of(() -> admin.grant(GrantRequest.newBuilder()
                        .setTenant("acme")
                        .addSubjects("user:erin")
                        .setRole("reader")
                        .build()))
                .is(ErrorReason.ACCEPTANCE_NEEDED);
        String freeze = admin.freeze(FreezeRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("user:erin")
                        .setReason("now")
                        .build())
                .getName();
        Refusal.of(() -> admin.unfreeze(UnfreezeRequest.newBuilder()
                        .setTenant("acme")
                        .setName(freeze)
                        .build()))
                .is(ErrorReason.ACCEPTANCE_NEEDED);
    }

    @Test
    void aChangeUnderAKeyIsMadeOnce() {
        ApplyPolicyHeader header =
                ApplyPolicyHeader.newBuilder().setIdempotencyKey("k").build();
        ApplyPolicyResponse first = apply(door.admin, header, role("a", "vault") + "---\n" + role("b", "vault"));
        // The same documents, laid out otherwise.
        ApplyPolicyResponse again =
                apply(door.admin, header, role("b", "vault") + "---\n# the same\n" + role("a", "vault"));
        assertThat(again).isEqualTo(first.toBuilder().setReplayed(true).build());
        Refusal.of(() -> apply(door.admin, header, role("a", "shelf"))).is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
        Refusal.of(() -> apply(
                        door.admin, header.toBuilder().setReason("another").build(), role("a", "vault")))
                .is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
        Refusal.of(() -> apply(
                        door.admin,
                        header.toBuilder().setIdempotencyKey("x".repeat(129)).build(),
                        role("a", "vault")))
                .naming("header.idempotency_key");
        // A key is its caller's.
        assertThat(apply(door.replay, header, role("c", "vault")).getReplayed()).isFalse();
        assertThat(apply(door.admin, header.toBuilder().setDryRun(true).build(), role("a", "shelf"))
                        .getDryRun())
                .isTrue();
    }

    @Test
    void aChangeForSomebodyNeedsActAs() {
        ApplyPolicyHeader forEve =
                ApplyPolicyHeader.newBuilder().setActor("user:eve").build();
        Refusal.of(() -> apply(door.replay, forEve, role("a", "vault"))).is(ErrorReason.ACT_AS_MISSING);
        door.decisions.grant("service:replay", "act-as", "tenant:acme/subject:user");
        apply(door.replay, forEve, role("a", "vault"));
        String gives = "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: g},"
                + " spec: {subjects: ['user:eve'], role: reader}}\n";
        Refusal.of(() -> apply(door.replay, forEve, gives)).is(ErrorReason.SELF_ESCALATION);
        apply(door.replay, ApplyPolicyHeader.getDefaultInstance(), gives);
    }

    private Refusal refusal(ProposeChangeHeader.Builder header) {
        return Refusal.of(() -> propose(door.admin, header.build(), role("r", "vault")));
    }

    private static ProposeChangeHeader.Builder header() {
        return ProposeChangeHeader.newBuilder().setTenant("acme");
    }

    private Proposal propose(String key, ProposeChangeHeader header, String yaml) {
        PolicyServiceGrpc.PolicyServiceStub stub = door.with(PolicyServiceGrpc.newStub(door.channel), key);
        List<ProposeChangeRequest> messages = new ArrayList<>();
        messages.add(ProposeChangeRequest.newBuilder().setHeader(header).build());
        if (!yaml.isEmpty()) {
            messages.add(ProposeChangeRequest.newBuilder().setPut(source(yaml)).build());
        }
        return send(stub::proposeChange, messages).getProposal();
    }

    private ApplyPolicyResponse apply(String key, ApplyPolicyHeader header, String yaml) {
        PolicyServiceGrpc.PolicyServiceStub stub = door.with(PolicyServiceGrpc.newStub(door.channel), key);
        return send(
                stub::applyPolicy,
                List.of(
                        ApplyPolicyRequest.newBuilder().setHeader(header).build(),
                        ApplyPolicyRequest.newBuilder().setPut(source(yaml)).build()));
    }

    private static PolicySource source(String yaml) {
        return PolicySource.newBuilder().setYaml(ByteString.copyFromUtf8(yaml)).build();
    }

    private static <Q, R> R send(Function<StreamObserver<R>, StreamObserver<Q>> call, List<Q> messages) {
        CompletableFuture<R> answer = new CompletableFuture<>();
        StreamObserver<Q> requests = call.apply(new StreamObserver<>() {
            @Override
            public void onNext(R value) {
                answer.complete(value);
            }

            @Override
            public void onError(Throwable failure) {
                answer.completeExceptionally(failure);
            }

            @Override
            public void onCompleted() {}
        });
        messages.forEach(requests::onNext);
        requests.onCompleted();
        try {
            return answer.join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof StatusRuntimeException status ? status : failure;
        }
    }

    private Proposal seen(String id) {
        return replay.getProposal(get(id)).next().getOutlook().getProposal();
    }

    private static AcceptProposalRequest.Builder asSeen(Proposal seen) {
        return accept(seen.getId()).setDigest(seen.getDigest()).setBaseRevision(seen.getBaseRevision());
    }

    private static AcceptProposalRequest.Builder accept(String id) {
        return AcceptProposalRequest.newBuilder().setTenant("acme").setId(id);
    }

    private static RejectProposalRequest.Builder reject(String id) {
        return RejectProposalRequest.newBuilder().setTenant("acme").setId(id);
    }

    private static WithdrawProposalRequest.Builder withdraw(String id) {
        return WithdrawProposalRequest.newBuilder().setTenant("acme").setId(id);
    }

    private static GetProposalRequest get(String id) {
        return GetProposalRequest.newBuilder().setTenant("acme").setId(id).build();
    }

    private ListProposalsResponse list(ProposalState state, int size, String token) {
        return replay.listProposals(ListProposalsRequest.newBuilder()
                .setTenant("acme")
                .setState(state)
                .setPageSize(size)
                .setPageToken(token)
                .build());
    }

    private static Duration seconds(long seconds) {
        return Duration.newBuilder().setSeconds(seconds).build();
    }

    private static String tenant(int changeApprovals) {
        return "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]"
                + (changeApprovals == 0 ? "" : ", changeApprovals: " + changeApprovals) + "}}\n";
    }

    private static String role(String name, String type) {
        return "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: " + name
                + "}, spec: {permissions: [{resources: [" + type + "], actions: [read]}]}}\n";
    }
}
