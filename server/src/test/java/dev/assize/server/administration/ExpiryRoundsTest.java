package dev.assize.server.administration;

import static dev.assize.server.testing.FakeApprovalPolicy.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.Approvals.Party;
import dev.assize.server.administration.ExpiredWaits.Wait;
import dev.assize.server.administration.ProposalRepository.Content;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.testing.FakeApprovalPolicy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What has waited too long is recorded as expired, though nobody asks for it. */
class ExpiryRoundsTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final PolicyScope SCOPE = PolicyScope.of(ACME);
    private static final Recorder ALICE = new Recorder(Subject.parse("user:alice"), ACME);
    private static final String TENANT =
            "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]}}";
    private static final String ROLE = "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: r},"
            + " spec: {permissions: [{resources: [x], actions: [y]}]}}";

    private Instant now = Instant.parse("2026-03-01T12:00:00Z");
    private final InMemoryLedgerStore ledger = new InMemoryLedgerStore(() -> now, new AuditCodec());
    private final InMemoryPolicyRepository policies = new InMemoryPolicyRepository(ledger);
    private final PolicyAdministration administration = new PolicyAdministration(policies, nobody(), () -> now);
    private final Proposals proposals = new Proposals(
            new InMemoryProposalRepository(policies, ledger),
            administration,
            nobody(),
            new FakeApprovalPolicy(),
            () -> now);
    private final Approvals approvals = new Approvals(
            new InMemoryApprovalRepository(ledger),
            new FakeApprovalPolicy().with(rule("payments", "pay", 1, false)),
            () -> now);
    private final List<Wait> waiting = new ArrayList<>();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ExpiryRounds rounds =
            new ExpiryRounds((by, limit) -> List.copyOf(waiting), approvals, proposals, () -> now, meters);

    @AfterEach
    void close() {
        rounds.close();
    }

    @Test
    void recordsOnceWhatHasExpiredAndLeavesWhatHasNot() {
        administration.apply(
                new ChangeSet(read(TENANT), List.of(), List.of(), false, false, null), ALICE, tenant -> true);
        waiting.add(new Wait(ExpiredWaits.Type.PROPOSAL, SCOPE, proposal(Duration.ofHours(1))));
        waiting.add(new Wait(ExpiredWaits.Type.PROPOSAL, SCOPE, proposal(Duration.ofDays(20))));
        waiting.add(new Wait(ExpiredWaits.Type.APPROVAL, SCOPE, approval()));
        waiting.add(new Wait(ExpiredWaits.Type.APPROVAL, SCOPE, "0".repeat(32)));
        rounds.round();
        assertThat(types()).noneMatch(type -> type.endsWith(".expired"));

        now = now.plus(Duration.ofDays(10));
        rounds.round();
        rounds.round();

        assertThat(types().stream().filter(type -> type.endsWith(".expired")))
                .containsExactly("assize.proposal.expired", "assize.approval.expired");
        assertThat(meters.counter("assize.expiry.recorded").count()).isEqualTo(2);
        assertThat(meters.counter("assize.expiry.failed").count()).isZero();
    }

    private String proposal(Duration ttl) {
        ProposalResult result = proposals.propose(
                new Proposals.Wish(SCOPE, new Content(read(ROLE), List.of()), false, null, null, ttl, ALICE, null),
                ALICE);
        return ((ProposalResult.Done) result).proposal().id();
    }

    private String approval() {
        Party party = new Party(Subject.parse("agent:robot"), ACME);
        ApprovalResult result = approvals.request(
                new Approvals.Wish(
                        party,
                        party,
                        new ProposedAction(
                                ACME, new Action("pay"), ResourcePath.parse("invoice:7"), Environment.DEFAULT),
                        null,
                        null),
                ALICE);
        return ((ApprovalResult.Done) result).approval().request().id();
    }

    private List<String> types() {
        List<String> types = new ArrayList<>();
        ledger.scan(ACME, 0, Long.MAX_VALUE, entry -> types.add(entry.columns().getOrDefault("type", "")));
        return types;
    }

    private static List<Document> read(String yaml) {
        return DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                .documents();
    }

    private static DecisionService nobody() {
        return (DecisionService) Proxy.newProxyInstance(
                DecisionService.class.getClassLoader(),
                new Class<?>[] {DecisionService.class},
                (proxy, method, args) -> {
                    if (!method.getName().equals("refresh")) {
                        throw new AssertionError(method.getName());
                    }
                    return null;
                });
    }
}
