package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeResult.RevisionMoved;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.ChangeResult.TenantCreationRefused;
import dev.assize.server.administration.ChangeResult.TermsRefused;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.Desk;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.TenantAudit;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PolicyAdministrationTest {

    private static final TenantId ACME_ID = new TenantId("acme");
    private static final PolicyScope ACME = PolicyScope.of(ACME_ID);
    private static final Recorder ALICE = new Recorder(Subject.parse("user:alice"), TenantId.ASSIZE);
    private static final String TENANT = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [default]}
        ---
        """;

    private static final String DUTY = """
        apiVersion: assize.dev/v1
        kind: SeparationOfDuty
        metadata: {tenant: acme, name: payments}
        spec: {type: assigned-roles, roles: [pays, approves], limit: 1}
        ---
        """;

    private final InstantSource clock = InstantSource.fixed(Instant.parse("2026-03-01T12:00:00Z"));
    private final InMemoryLedgerStore ledger = new InMemoryLedgerStore(clock, new AuditCodec());
    private final InMemoryPolicyRepository repository = new InMemoryPolicyRepository(ledger);
    private final ForgetfulDecisions decisions = new ForgetfulDecisions();
    private final PolicyAdministration administration = new PolicyAdministration(repository, decisions, clock);

    @Test
    void refusesWhatDoesNotHoldTogetherAndChangesNothing() {
        ChangeResult result = put(TENANT + binding("b", "nowhere"));

        assertThat(result)
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().field())
                                .isEqualTo("RoleBinding/b: spec.role"));
        assertThat(administration.export(ACME).revision()).isEqualTo(Revision.NONE);
        assertThat(ledger.rows(ACME_ID)).isEmpty();
        assertThat(decisions.forgotten).isEmpty();
    }

    @Test
    void refusesDocumentsOfATenantThatIsNotThere() {
        assertThat(put(role("r"))).isInstanceOf(Invalid.class);
    }

    @Test
    void refusesToDeleteWhatIsNotThereTwiceOrBesideAPut() {
        put(TENANT + role("r"));
        DocumentKey known = new DocumentKey(ACME, Kind.ROLE, "r");
        DocumentKey unknown = new DocumentKey(ACME, Kind.ROLE, "x");

        assertThat(change(role("r"), List.of(known), false)).isInstanceOf(Invalid.class);
        assertThat(change("", List.of(known, known), false)).isInstanceOf(Invalid.class);
        assertThat(change("", List.of(unknown), false))
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().message())
                                .contains("Role/x", "`x`", "tenant `acme`"));
    }

    @Test
    void refusesToDeleteWhatIsStillReferenced() {
        put(TENANT + role("r") + "---\n" + binding("b", "r"));

        assertThat(change("", List.of(new DocumentKey(ACME, Kind.ROLE, "r")), false))
                .isInstanceOf(Invalid.class);
    }

    @Test
    void refusesOneNameTwiceInAChange() {
        assertThat(put(TENANT + role("r") + "---\n" + role("r"))).isInstanceOf(Invalid.class);
    }

    @Test
    void prunesOnlyWhatItsManagerWroteInTheScopesNamed() {
        String other = TENANT.replace("acme", "globex");
        put(TENANT + managed("kept", "ci") + "---\n" + managed("gone", "ci") + "---\n" + managed("theirs", "people")
                + "---\n" + role("nobodys") + "---\n"
                + "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f, manager: ci}, spec:"
                + " {tenant: true, reason: r}}\n---\n" + other
                + managed("gone", "ci").replace("acme", "globex"));

        ChangeResult refused = prune("ci", role("kept"));
        assertThat(refused)
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().field())
                                .isEqualTo("Role/kept: metadata.manager"));
        accepted(prune("ci", managed("kept", "ci")));

        assertThat(administration.export(ACME).documents())
                .extracting(document -> document.kind().text() + "/" + document.name())
                .containsExactlyInAnyOrder("Tenant/acme", "Role/kept", "Role/nobodys", "Role/theirs", "Freeze/f");
        assertThat(administration.export(PolicyScope.of(new TenantId("globex"))).documents())
                .extracting(Document::name)
                .contains("gone");
    }

    @Test
    void prunesWhereNothingIsPutAndOnlyTheRevisionIsSaid() {
        put(TENANT + managed("gone", "ci") + "---\n" + managed("theirs", "people"));
        Precondition present =
                new Precondition(ACME, administration.export(ACME).revision());

        accepted(administration.apply(
                new ChangeSet(List.of(), List.of(), List.of(present), false, false, null, ChangeOrigin.APPLY, "ci"),
                ALICE,
                tenant -> true));

        assertThat(administration.export(ACME).documents())
                .extracting(Document::name)
                .containsExactlyInAnyOrder("acme", "theirs");
    }

    @Test
    void hasNoMoreDocumentsThanItsTenantMayHave() {
        String limited = TENANT.replace("spec: {", "spec: {limits: {documents: 3}, ");
        put(limited + "---\n" + role("a"));
        put(role("b"));
        assertThat(administration.apply(
                        new ChangeSet(read(role("c")), List.of(), List.of(), false, false, null), ALICE, _ -> true))
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().toString())
                                .contains("Tenant/acme: spec.limits.documents", "`3`", "there are 4"));
        // A freeze is never one too many, and what makes it no more is never refused.
        put("{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f},"
                + " spec: {tenant: true, reason: r}}");
        put(limited.replace("documents: 3", "documents: 1"));
        put(role("a").replace("[read]", "[read, write]"));
        assertThat(administration.apply(
                        new ChangeSet(read(role("c")), List.of(), List.of(), true, false, null), ALICE, _ -> true))
                .isInstanceOfSatisfying(
                        Compared.class,
                        compared -> assertThat(compared.problems()).hasSize(1));
        put(TENANT);
        put(role("c"));
    }

    @Test
    void onlyWhoMakesTenantsSaysWhatTheyMayHave() {
        put(TENANT);
        for (String terms : List.of("plan: team", "limits: {documents: 5}", "limits: {keys: 5}")) {
            ChangeSet change = new ChangeSet(
                    read(TENANT.replace("spec: {", "spec: {" + terms + ", ")),
                    List.of(),
                    List.of(),
                    false,
                    false,
                    null);
            assertThat(administration.apply(change, ALICE, _ -> false)).isEqualTo(new TermsRefused(ACME_ID));
            accepted(administration.apply(change, ALICE, _ -> true));
            assertThat(administration.apply(change, ALICE, _ -> false))
                    .as("they stay")
                    .isInstanceOf(Accepted.class);
            ChangeSet without = new ChangeSet(read(TENANT), List.of(), List.of(), true, false, null);
            assertThat(administration.apply(without, ALICE, _ -> false)).isEqualTo(new TermsRefused(ACME_ID));
        }
    }

    @Test
    void doesNotPruneWhatIsStillReferenced() {
        put(TENANT + managed("used", "ci") + "---\n" + managed("kept", "ci") + "---\n" + binding("b", "used"));

        assertThat(prune("ci", managed("kept", "ci"))).isInstanceOf(Invalid.class);
    }

    private ChangeResult prune(String manager, String yaml) {
        ChangeSet change =
                new ChangeSet(read(yaml), List.of(), List.of(), false, false, null, ChangeOrigin.APPLY, manager);
        return administration.apply(change, ALICE, tenant -> true);
    }

    private static String managed(String name, String manager) {
        return role(name).replace("name: " + name, "name: " + name + ", manager: " + manager);
    }

    @Test
    void refusesAChangeMadeForAnotherRevision() {
        put(TENANT);
        ChangeSet change = new ChangeSet(
                read(role("r")), List.of(), List.of(new Precondition(ACME, new Revision(5))), false, false, null);

        assertThat(administration.apply(change, ALICE, tenant -> true))
                .isEqualTo(new RevisionMoved(ACME, new Revision(5), new Revision(1)));
    }

    @Test
    void refusesANewTenantToWhoMayNotMakeIt() {
        ChangeSet change = new ChangeSet(read(TENANT), List.of(), List.of(), false, false, null);

        assertThat(administration.apply(change, ALICE, tenant -> false)).isEqualTo(new TenantCreationRefused(ACME_ID));
        put(TENANT);
        assertThat(administration.apply(change, ALICE, tenant -> false))
                .as("it is not new any more")
                .isInstanceOf(Accepted.class);
    }

    @Test
    void refusesAPlatformDocumentWhoseNameATenantHas() {
        put(TENANT + role("r"));

        assertThat(put(role("r").replace("tenant: acme, ", ""))).isInstanceOf(Invalid.class);
    }

    @Test
    void refusesToDeleteThePlatformsRoleATenantBinds() {
        put(TENANT + role("r").replace("tenant: acme, ", "") + "---\n" + binding("b", "r"));

        assertThat(change("", List.of(new DocumentKey(PolicyScope.PLATFORM, Kind.ROLE, "r")), false))
                .isInstanceOf(Invalid.class);
    }

    @Test
    void refusesToGiveSomebodyRolesThatAreKeptApart() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + DUTY + binding("b1", "pays"));

        assertThat(put(binding("b2", "approves")))
                .isInstanceOfSatisfying(
                        Invalid.class,
                        invalid -> assertThat(invalid.problems().getFirst().message())
                                .contains("user:alice", "approves", "pays", "payments"));
        assertThat(force(binding("b2", "approves"), false))
                .as("force accepts who holds too much, and nobody new")
                .isInstanceOf(Invalid.class);
    }

    @Test
    void namesOnceWhatGivesSomebodyTooMuch() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + role("manages") + "---\n" + DUTY
                + binding("b1", "pays") + "---\n" + binding("b3", "manages") + "---\n" + group("user:bob") + "---\n"
                + binding("b4", "approves").replace("user:alice", "group:all"));

        assertThat(problem(binding("b2", "approves")))
                .endsWith("RoleBinding/b2: `user:alice of tenant acme with roles approves, pays`: expected at most 1 of"
                        + " them (separation of duty `payments`)");
        assertThat(problem(binding("a-first", "manages") + "---\n" + binding("b2", "approves")))
                .as("the binding that gives the role, not another of the subject")
                .contains("RoleBinding/b2: ");
        assertThat(problem(group("user:alice"))).contains("Group/all: `user:alice of tenant acme");
        assertThat(problem(role("manages").replace("spec: {", "spec: {inherits: [approves], ")))
                .contains("Role/manages: `user:alice of tenant acme");
    }

    private String problem(String yaml) {
        ChangeResult result = put(yaml);
        assertThat(result).isInstanceOf(Invalid.class);
        assertThat(((Invalid) result).problems()).hasSize(1);
        return ((Invalid) result).problems().getFirst().message();
    }

    private static String group(String member) {
        return """
            apiVersion: assize.dev/v1
            kind: Group
            metadata: {tenant: acme, name: all}
            spec: {members: ["%s"]}
            """.formatted(member);
    }

    @Test
    void acceptsWhoViolatesANewRuleByForceOnlyAndTellsThem() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + binding("b1", "pays") + "---\n"
                + binding("b2", "approves"));

        assertThat(put(DUTY)).isInstanceOf(Invalid.class);
        assertThat(force(DUTY, true)).isInstanceOfSatisfying(Compared.class, compared -> {
            assertThat(compared.problems()).isEmpty();
            assertThat(compared.violations()).hasSize(1);
        });
        assertThat(force(DUTY, false))
                .isInstanceOfSatisfying(
                        Accepted.class,
                        accepted -> assertThat(accepted.violations())
                                .singleElement()
                                .satisfies(found -> {
                                    assertThat(found.tenant()).isEqualTo(ACME_ID);
                                    assertThat(found.violation().subject()).hasToString("user:alice");
                                    assertThat(found.violation().roles()).containsExactly("approves", "pays");
                                    assertThat(found.violation().existing()).isTrue();
                                }));
        assertThat(put(role("unrelated")))
                .as("what was accepted does not stand in the way of other changes")
                .isInstanceOf(Accepted.class);
    }

    @Test
    void judgesARuleOfThePlatformInEveryTenant() {
        put(TENANT + role("pays") + "---\n" + role("approves") + "---\n" + binding("b1", "pays") + "---\n"
                + binding("b2", "approves"));
        String roles = role("pays").replace("tenant: acme, ", "") + "---\n"
                + role("approves").replace("tenant: acme, ", "") + "---\n";
        DocumentKey pays = new DocumentKey(ACME, Kind.ROLE, "pays");
        DocumentKey approves = new DocumentKey(ACME, Kind.ROLE, "approves");
        accepted(change(roles, List.of(pays, approves), false));

        assertThat(put(DUTY.replace("tenant: acme, ", ""))).isInstanceOf(Invalid.class);
        assertThat(force(DUTY.replace("tenant: acme, ", ""), false)).isInstanceOf(Accepted.class);
    }

    @Test
    void comparesInADryRunAndChangesNothing() {
        ChangeResult result = change(TENANT + binding("b", "nowhere"), List.of(), true);

        assertThat(result).isInstanceOfSatisfying(Compared.class, compared -> {
            assertThat(compared.problems()).hasSize(1);
            assertThat(compared.changes().getFirst().revision()).isEqualTo(new Revision(1));
            assertThat(compared.changes().getFirst().seq()).isNull();
        });
        assertThat(administration.export(ACME).revision()).isEqualTo(Revision.NONE);
    }

    @Test
    void makesNoRevisionWhereNothingChanges() {
        put(TENANT + role("r"));

        ScopeChange change = accepted(put(TENANT + role("r"))).getFirst();

        assertThat(change.revision()).isEqualTo(new Revision(1));
        assertThat(change.seq()).isNull();
        assertThat(change.documents()).extracting(DocumentChange::type).containsOnly(ChangeType.UNCHANGED);
        assertThat(administration.revisions(ACME, null, 10)).hasSize(1);
        assertThat(decisions.forgotten).containsExactly(ACME);
    }

    @Test
    void tellsWhatWasCreatedReplacedAndDeleted() {
        put(TENANT + role("a") + "---\n" + role("b") + "---\n" + role("c"));

        ScopeChange change = accepted(change(
                        role("a").replace("read", "write") + "---\n" + role("b") + "---\n" + role("d"),
                        List.of(new DocumentKey(ACME, Kind.ROLE, "c")),
                        false))
                .getFirst();

        assertThat(change.documents())
                .extracting(document -> document.key().name() + " " + document.type())
                .containsExactly("a REPLACED", "b UNCHANGED", "c DELETED", "d CREATED");
        assertThat(change.policyDigest()).isEqualTo(PolicyDigest.ofPolicy(administration.export(ACME)));
        assertThat(administration.revisions(ACME, null, 10).getFirst().changeCount())
                .isEqualTo(3);
    }

    @Test
    void changesSeveralScopesAtOnceThePlatformFirst() {
        List<ScopeChange> changes =
                accepted(put(role("p").replace("tenant: acme, ", "") + "---\n" + TENANT + binding("b", "p")));

        assertThat(changes).extracting(ScopeChange::scope).containsExactly(PolicyScope.PLATFORM, ACME);
        assertThat(decisions.forgotten).containsExactly(PolicyScope.PLATFORM, ACME);
        assertThat(events(TenantId.ASSIZE))
                .extracting(AuditEvent::type)
                .containsExactlyInAnyOrder(PolicyEvents.MANIFEST, PolicyEvents.DIFF, "assize.tenant.create");
    }

    @Test
    void recordsAManifestThenWhatWasAndIs() throws JsonProcessingException {
        put(TENANT + role("r"));
        ScopeChange change = accepted(put(role("r").replace("read", "write"))).getFirst();

        List<AuditEvent> events = events(ACME_ID).subList((int) seqOf(change), 5);
        assertThat(events).extracting(AuditEvent::type).containsExactly(PolicyEvents.MANIFEST, PolicyEvents.DIFF);
        JsonNode manifest = json(events.get(0));
        assertThat(manifest.get("base").asLong()).isEqualTo(1);
        assertThat(manifest.get("revision").asLong()).isEqualTo(2);
        assertThat(manifest.get("count").asInt()).isOne();
        assertThat(manifest.get("change_digest").asText())
                .isEqualTo(change.changeDigest().toString());
        assertThat(manifest.get("policy_digest").asText())
                .isEqualTo(change.policyDigest().toString());
        assertThat(manifest.get("actor").asText()).isEqualTo("user:alice");
        assertThat(manifest.get("reason").asText()).isEqualTo("for the test");
        JsonNode diff = json(events.get(1));
        assertThat(diff.get("before").asText()).contains("read");
        assertThat(diff.get("after").asText()).contains("write");
        assertThat(diff.get("change").asText()).isEqualTo("replaced");
    }

    @Test
    void tellsTheLedgerOfTenantAssizeOfEachTenantThatIsMadeChangedOrDeleted() throws JsonProcessingException {
        put(TENANT + role("r"));
        put(role("r").replace("read", "write"));
        ScopeChange changed =
                accepted(put(TENANT.replace("[default]", "[default, other]"))).getFirst();
        change("", List.of(new DocumentKey(ACME, Kind.TENANT, "acme"), new DocumentKey(ACME, Kind.ROLE, "r")), false);

        List<AuditEvent> events = events(TenantId.ASSIZE);
        assertThat(events)
                .extracting(AuditEvent::type)
                .containsExactly("assize.tenant.create", "assize.tenant.change", "assize.tenant.delete");
        assertThat(events).allSatisfy(event -> {
            assertThat(event.actor()).isEqualTo(ALICE.caller());
            assertThat(event.resource().value()).isEqualTo("tenant:acme");
            assertThat(event.reason()).isEqualTo("for the test");
        });
        JsonNode told = json(events.get(1));
        assertThat(told.get("tenant").asText()).isEqualTo("acme");
        assertThat(told.get("revision").asLong()).isEqualTo(changed.revision().value());
        assertThat(told.get("policy_digest").asText())
                .isEqualTo(changed.policyDigest().toString());
        assertThat(told.get("origin").asText()).isEqualTo("apply");
    }

    @Test
    void splitsADocumentThatNoFrameHolds() throws JsonProcessingException {
        StringBuilder members = new StringBuilder();
        for (int i = 0; i < 900; i++) {
            members.append("    - \"user:ü\\\"")
                    .append("x".repeat(200))
                    .append(i)
                    .append("\"\n");
        }
        String group = """
            apiVersion: assize.dev/v1
            kind: Group
            metadata: {tenant: acme, name: big}
            spec:
              members:
            """ + members;
        put(TENANT);
        put(group);
        String after = DocumentText.write(administration
                .export(ACME)
                .find(new DocumentKey(ACME, Kind.GROUP, "big"))
                .orElseThrow());
        assertThat(after.length()).isGreaterThan(3 * EntryRoom.BYTES);

        StringBuilder rebuilt = new StringBuilder();
        List<AuditEvent> events = events(ACME_ID);
        List<AuditEvent> parts = events.subList(3, events.size());
        for (int i = 0; i < parts.size(); i++) {
            JsonNode part = json(parts.get(i));
            assertThat(part.get("part").asInt()).isEqualTo(i + 1);
            assertThat(part.get("parts").asInt()).isEqualTo(parts.size());
            rebuilt.append(part.path("after").asText());
        }
        assertThat(parts.size()).isGreaterThan(3);
        assertThat(rebuilt).hasToString(after);
    }

    @Test
    void seedsAnEmptyDatabaseOnce() {
        Bootstrap bootstrap = new Bootstrap(administration);
        bootstrap.run();
        bootstrap.run();

        assertThat(administration.export(PolicyScope.of(TenantId.ASSIZE)).revision())
                .isEqualTo(new Revision(1));
        assertThat(administration.export(PolicyScope.of(TenantId.ASSIZE)).documents())
                .extracting(document -> document.key().toString())
                .contains("Tenant/assize", "ResourceType/policy", "Role/service", "RoleBinding/first-administrator");
        assertThat(events(TenantId.ASSIZE).getFirst().actor()).hasToString("service:assize");
    }

    @Test
    void refusesToDeleteTheTenantThatGuardsAssize() {
        new Bootstrap(administration).run();
        PolicyScope own = PolicyScope.of(TenantId.ASSIZE);
        List<DocumentKey> everything = administration.export(own).documents().stream()
                .map(Document::key)
                .toList();

        assertThat(change("", everything, false)).isInstanceOf(Invalid.class);
    }

    private ChangeResult put(String yaml) {
        return change(yaml, List.of(), false);
    }

    private ChangeResult change(String yaml, List<DocumentKey> deletes, boolean dryRun) {
        return administration.apply(
                new ChangeSet(read(yaml), deletes, List.of(), dryRun, false, "for the test"), ALICE, tenant -> true);
    }

    private ChangeResult force(String yaml, boolean dryRun) {
        return administration.apply(
                new ChangeSet(read(yaml), List.of(), List.of(), dryRun, true, "forced"), ALICE, tenant -> true);
    }

    private static List<ScopeChange> accepted(ChangeResult result) {
        assertThat(result).isInstanceOf(Accepted.class);
        return ((Accepted) result).changes();
    }

    private static long seqOf(ScopeChange change) {
        Long seq = change.seq();
        assertThat(seq).isNotNull();
        return seq == null ? -1 : seq;
    }

    private static List<Document> read(String yaml) {
        if (yaml.isEmpty()) {
            return List.of();
        }
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }

    private List<AuditEvent> events(TenantId tenant) {
        AuditCodec codec = new AuditCodec();
        return ledger.rows(tenant).values().stream()
                .map(entry -> codec.decode(entry.frame(), entry.entryHash()).event())
                .toList();
    }

    private static JsonNode json(AuditEvent event) throws JsonProcessingException {
        String payload = event.payload();
        return new ObjectMapper().readTree(payload == null ? "null" : payload);
    }

    private static String role(String name) {
        return """
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: %s}
            spec: {permissions: [{resources: [replay], actions: [read]}]}
            """.formatted(name);
    }

    private static String binding(String name, String role) {
        return """
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: %s}
            spec: {subjects: ["user:alice"], role: %s}
            """.formatted(name, role);
    }

    /** Remembers only what it was told to forget. */
    static final class ForgetfulDecisions implements DecisionService {

        private final List<PolicyScope> forgotten = new ArrayList<>();

        @Override
        public Answer evaluate(CheckQuery query, PointInTime at) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public Answer evaluateOwn(CheckQuery query) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public DecisionLog decisionLog(TenantId tenant) {
            return DecisionLog.NONE;
        }

        @Override
        public TenantAudit audit(TenantId tenant) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public Optional<Set<String>> historyActions(TenantId tenant) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public boolean isTenant(TenantId tenant) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public ReadyAnswer evaluateIfReady(CheckQuery query) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public Desk desk() {
            throw new AssertionError("Nobody asks by bytes here");
        }

        @Override
        public ReadyAnswers evaluateAllIfReady(TenantId tenant, List<CheckQuery> queries) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public Explanation explain(CheckQuery query, PointInTime at) {
            throw new AssertionError("Changing policy asks no questions");
        }

        @Override
        public RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout) {
            throw new AssertionError("Changing policy waits for nothing");
        }

        @Override
        public void refresh(PolicyScope scope) {
            forgotten.add(scope);
        }
    }
}
