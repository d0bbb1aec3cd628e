package dev.assize.server.decision.impact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nobody becomes an approver by an own change: not of more, not sooner or for longer, and not where it was stopped. */
class ApproverGainsTest {

    private static final TenantId ACME_ID = new TenantId("acme");
    private static final PolicyScope ACME = PolicyScope.of(ACME_ID);
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

    /** Nobody here may do anything; zoe checks, and alice is a clerk. */
    private static final List<String> WORLD = List.of(
            "kind: Tenant, metadata: {name: acme}, spec: {environments: [default, prod]}",
            "kind: ResourceType, metadata: {tenant: acme, name: doc}, spec: {actions: [read, sign, admin]}",
            "kind: ResourceType, metadata: {tenant: acme, name: box}, spec: {actions: [read, sign]}",
            role("checker"),
            role("clerk"),
            role("other"),
            "kind: RoleBinding, metadata: {tenant: acme, name: zoe}, spec: {subjects: ['user:zoe'], role: checker}",
            "kind: RoleBinding, metadata: {tenant: acme, name: clerks}, spec: {subjects: ['user:alice'], role: clerk}",
            rule("check", "[doc]", "[sign]", "checker"),
            rule("own", "[doc]", "[read]", "clerk"));

    private static final DocumentKey CHECK = new DocumentKey(ACME, Kind.APPROVAL_RULE, "check");

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            , scope: {resourceTypes: [doc]}           |                                           | true
            , scope: {resourceTypes: [doc]}           | , scope: {resourceTypes: [doc, box]}      | true
            , scope: {resourceTypes: [doc, box]}      | , scope: {resourceTypes: [doc]}           | false
                                                      | , scope: {resourceTypes: [doc]}           | false
            , scope: {environments: [prod]}           |                                           | true
            , scope: {environments: [prod]}           | , scope: {environments: [prod, default]}  | true
            , scope: {environments: [prod, default]}  | , scope: {environments: [default]}        | false
            , scope: {resources: ['doc:1']}           |                                           | true
            , scope: {resources: ['doc:1']}           | , scope: {resources: ['doc:1', 'doc:2']}  | true
            , scope: {resources: ['doc:1', 'doc:2']}  | , scope: {resources: ['doc:2']}           | false
            , notAfter: 2027-01-01T00:00:00Z          |                                           | true
            , notAfter: 2027-01-01T00:00:00Z          | , notAfter: 2028-01-01T00:00:00Z          | true
            , notAfter: 2028-01-01T00:00:00Z          | , notAfter: 2027-01-01T00:00:00Z          | false
                                                      | , notAfter: 2027-01-01T00:00:00Z          | false
            , notAfter: 2020-01-01T00:00:00Z          | , notAfter: 2027-01-01T00:00:00Z          | true
            , notBefore: 2027-01-01T00:00:00Z         |                                           | true
            , notBefore: 2027-01-01T00:00:00Z         | , notBefore: 2026-06-01T00:00:00Z         | true
            , notBefore: 2026-06-01T00:00:00Z         | , notBefore: 2027-01-01T00:00:00Z         | false
            , notBefore: 2025-01-01T00:00:00Z         |                                           | false
            , when: 'has(context.day)'                |                                           | true
            , when: 'has(context.day)'                | , when: 'has(context.night)'              | true
                                                      | , when: 'has(context.day)'                | false
            , when: 'has(context.day)'                | , when: 'has(context.day)', reason: again | false
            """)
    void isOneByAnotherBindingOnlyAsFarAsItWas(@Nullable String before, @Nullable String after, boolean gains) {
        assertThat(gains(List.of(binding(before)), List.of(), binding(after))).isEqualTo(gains);
    }

    @Test
    void isNoneByABindingThatHasEnded() {
        assertThat(gains(List.of(), List.of(), binding(", notAfter: 2026-02-01T00:00:00Z")))
                .isFalse();
        assertThat(gains(List.of(), List.of(), binding(", notAfter: 2026-03-02T00:00:00Z")))
                .isTrue();
    }

    /** A condition is the same only while what it may read is. */
    @Test
    void isOneByTheSameConditionWhereWhatItReadsChanges() {
        String conditional = binding(", when: 'has(context.day)'");
        String again = binding(", when: 'has(context.day)', reason: again");
        for (String changed : List.of(
                "kind: Group, metadata: {tenant: acme, name: g}, spec: {members: ['user:bob']}",
                "kind: Resource, metadata: {tenant: acme, name: 'doc:1'}, spec: {attributes: {a: 1}}",
                "kind: Subject, metadata: {tenant: acme, name: 'user:alice'}, spec: {attributes: {a: 1}}")) {
            assertThat(gains(List.of(conditional), List.of(), again, changed))
                    .as(changed)
                    .isTrue();
        }
        for (String changed : List.of(
                role("new"), "kind: Subject, metadata: {tenant: acme, name: 'user:bob'}, spec: {attributes: {a: 1}}")) {
            assertThat(gains(List.of(conditional), List.of(), again, changed))
                    .as(changed)
                    .isFalse();
        }
    }

    @Test
    void isOneByARuleThatSpeaksOfMore() {
        assertThat(gains(List.of(), List.of(), rule("own", "[doc]", "[read, sign]", "clerk")))
                .isTrue();
        assertThat(gains(List.of(), List.of(), rule("own", "[doc]", "['*']", "clerk")))
                .isTrue();
        assertThat(gains(List.of(), List.of(), rule("own", "[box]", "[read, sign]", "clerk")))
                .as("of what needed nobody's approval")
                .isFalse();
    }

    @Test
    void isOneByARuleInThePlaceOfAnother() {
        assertThat(gains(List.of(), List.of(CHECK), rule("new", "[doc]", "[sign]", "clerk")))
                .isTrue();
        assertThat(gains(List.of(), List.of(CHECK), rule("new", "['*']", "['*']", "clerk")))
                .isTrue();
        assertThat(gains(
                        List.of(),
                        List.of(CHECK),
                        rule("new", "[doc]", "[sign]", "clerk")
                                .replace("approvals", "environments: [prod], approvals")))
                .isTrue();
        assertThat(gains(List.of(), List.of(CHECK), rule("new", "[doc]", "[admin]", "clerk")))
                .as("of what needed nobody's approval")
                .isFalse();
        assertThat(gains(
                        List.of(rule("check", "[doc]", "[sign]", "checker")
                                .replace("approvals", "environments: [prod], approvals")),
                        List.of(CHECK),
                        rule("new", "[doc]", "[sign]", "clerk")
                                .replace("approvals", "environments: [default], approvals")))
                .as("in another environment")
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            tenant: true                                          | true
            subject: 'user:alice'                                 | true
            subject: 'user:zoe'                                   | false
            subject: 'user:alice', role: clerk                    | true
            subject: 'user:alice', role: other                    | false
            subject: 'user:alice', action: read                   | true
            subject: 'user:alice', action: admin                  | false
            subject: 'user:alice', resourceType: doc              | true
            subject: 'user:alice', resourceType: box              | false
            subject: 'user:alice', environment: prod              | true
            subject: 'user:alice', run: '7'                       | false
            subject: 'user:alice', until: 2020-01-01T00:00:00Z    | false
            """)
    void isOneAgainByLiftingWhatStoppedIt(String target, boolean gains) {
        String freeze = "kind: Freeze, metadata: {tenant: acme, name: f}, spec: {" + target + ", reason: stop}";
        DocumentKey key = new DocumentKey(ACME, Kind.FREEZE, "f");

        assertThat(gains(List.of(freeze), List.of(key))).isEqualTo(gains);
        assertThat(gains(List.of(freeze), List.of(), freeze.replace("reason: stop", "reason: 'stop!'")))
                .as("for another reason")
                .isFalse();
    }

    /** Whether alice gains by the change. */
    private static boolean gains(List<String> more, List<DocumentKey> deletes, String... puts) {
        NavigableMap<DocumentKey, Document> before = documents(WORLD);
        before.putAll(documents(more));
        NavigableMap<DocumentKey, Document> put = documents(Arrays.asList(puts));
        NavigableMap<DocumentKey, Document> after = new TreeMap<>(before);
        deletes.forEach(after::remove);
        after.putAll(put);
        Set<DocumentKey> changed = new TreeSet<>(put.keySet());
        changed.addAll(deletes);
        return Gains.first(state(before), state(after), changed, Subject.parse("user:alice"), ACME_ID, NOW)
                .isPresent();
    }

    private static PolicyState state(NavigableMap<DocumentKey, Document> documents) {
        return new PolicyState(
                PolicySet.of(ACME, new Revision(1), documents.values()), PolicySet.empty(PolicyScope.PLATFORM));
    }

    private static NavigableMap<DocumentKey, Document> documents(List<String> specs) {
        NavigableMap<DocumentKey, Document> read = new TreeMap<>();
        for (String spec : specs) {
            String yaml = "{apiVersion: assize.dev/v1, " + spec + "}";
            ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
            assertThat(result.problems()).as(spec).isEmpty();
            result.documents().forEach(document -> read.put(document.key(), document));
        }
        return read;
    }

    private static String role(String name) {
        return "kind: Role, metadata: {tenant: acme, name: " + name
                + "}, spec: {permissions: [{effect: deny, resources: [doc], actions: [admin]}]}";
    }

    private static String rule(String name, String types, String actions, String approver) {
        return "kind: ApprovalRule, metadata: {tenant: acme, name: " + name + "}, spec: {resources: " + types
                + ", actions: " + actions + ", approvals: 2, approverRole: " + approver
                + ", pendingTtl: 1h, ttl: 1h}";
    }

    /** Of alice, as a checker. */
    private static String binding(@Nullable String more) {
        return "kind: RoleBinding, metadata: {tenant: acme, name: b}, spec: {subjects: ['user:alice'], role: checker"
                + Objects.requireNonNullElse(more, "") + "}";
    }
}
