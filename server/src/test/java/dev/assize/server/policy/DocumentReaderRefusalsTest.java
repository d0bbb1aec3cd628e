package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.assize.server.model.PiiPattern;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the reader refuses, field by field and byte by byte. */
class DocumentReaderRefusalsTest {

    private static final int DOCUMENT_BYTES = 256 * 1_024;
    private static final String GROUP = """
        apiVersion: assize.dev/v1
        kind: Group
        metadata: {tenant: acme, name: noc}
        spec: {members: ["user:olga"]}
        """;

    @Test
    void refusesTenMegabytesAtOnce() {
        byte[] yaml = "- a\n".repeat(10 * 1_024 * 1_024 / 4).getBytes(StandardCharsets.UTF_8);

        List<String> problems = assertTimeoutPreemptively(Duration.ofSeconds(2), () -> messages(yaml));

        assertThat(problems).containsExactly("p.yaml:1:1: source: `10485760 bytes`: expected at most 4194304 bytes");
    }

    @Test
    void refusesFourMegabytesInOneDocumentAtOnce() {
        byte[] yaml = "[".repeat(4 * 1_024 * 1_024).getBytes(StandardCharsets.UTF_8);

        List<String> problems = assertTimeoutPreemptively(Duration.ofSeconds(2), () -> messages(yaml));

        assertThat(problems)
                .containsExactly("p.yaml:1:1: source: `4194304 bytes`: expected a document of at most 262144 bytes");
    }

    @Test
    void readsTwoHundredAndFiftySixKilobytesAndNotOneByteMore() {
        String exact = GROUP + "#".repeat(DOCUMENT_BYTES - GROUP.length());

        assertThat(read(exact).documents()).hasSize(1);
        assertThat(messages(exact + "#")).singleElement().asString().contains("262145 bytes");
        assertThat(read(exact.substring(0, DOCUMENT_BYTES - 1) + "\n---\n" + GROUP.replace("noc", "b"))
                        .documents())
                .as("each document by itself")
                .hasSize(2);
    }

    @Test
    void countsBytesAndNotCharacters() {
        String half = GROUP + "#" + "é".repeat((DOCUMENT_BYTES - GROUP.length()) / 2);

        assertThat(messages(half + "é")).singleElement().asString().contains("at most 262144 bytes");
    }

    @Test
    void refusesABombOfAliases() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for (int i = 1; i < 40; i++) {
            String alias = "*a" + (i - 1);
            bomb.append("a" + i + ": &a" + i + " [" + String.join(", ", List.of(alias, alias, alias, alias)) + "]\n");
        }

        List<String> problems = assertTimeoutPreemptively(Duration.ofSeconds(2), () -> messages(bomb.toString()));

        assertThat(problems)
                .contains(
                        "p.yaml:1:5: source: `&a0`: expected values without anchors: aliases are refused",
                        "p.yaml:2:10: source: `*a0`: expected values written out: aliases are refused");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {members: [!!str "user:olga"]}      | tag:yaml.org,2002:str
        {members: !mine ["user:olga"]}      | !mine
        {members: [&a "user:olga"]}         | &a
        {? [complex] : x, members: ["a:b"]} | a string as the key
        {members: ["user:olga"], 7: x}      | a string as the key
        {members: ["user:olga"], ~: x}      | a string as the key
        """)
    void refusesWhatPolicyHasNoUseFor(String spec, String part) {
        assertThat(messages(GROUP.replace("{members: [\"user:olga\"]}", spec)))
                .anySatisfy(
                        problem -> assertThat(problem).startsWith("p.yaml:4:").contains(part));
        assertThat(read(GROUP.replace("{members: [\"user:olga\"]}", spec)).documents())
                .isEmpty();
    }

    @Test
    void refusesSeventeenListsInOneAnotherAndReadsSixteen() {
        assertThat(messages("[".repeat(17) + "]".repeat(17)))
                .singleElement()
                .asString()
                .contains("deeper nesting", "at most 16 deep");
        assertThat(messages("[".repeat(16) + "]".repeat(16)))
                .singleElement()
                .asString()
                .doesNotContain("nesting");
        assertThat(assertTimeoutPreemptively(Duration.ofSeconds(5), () -> messages("[".repeat(200_000))))
                .singleElement()
                .asString()
                .contains("deeper nesting");
    }

    @Test
    void refusesBytesThatAreNotUtf8AndSaysWhere() {
        byte[] yaml = GROUP.replace("olga", "ol?a").getBytes(StandardCharsets.UTF_8);
        yaml[GROUP.indexOf("olga") + 2] = (byte) 0xE9;

        assertThat(messages(yaml)).containsExactly("p.yaml:4:26: source: `byte 0xE9`: expected UTF-8");
    }

    @Test
    void refusesBytesOfASurrogateAndOverlongForms() {
        for (int[] bytes :
                List.of(new int[] {0xED, 0xA0, 0x80}, new int[] {0xC0, 0xAF}, new int[] {0xF4, 0x90, 0x80, 0x80})) {
            byte[] yaml = new byte[bytes.length + 2];
            yaml[0] = '#';
            for (int i = 0; i < bytes.length; i++) {
                yaml[i + 1] = (byte) bytes[i];
            }

            assertThat(messages(yaml)).singleElement().asString().contains("UTF-8");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\u200B", "\\u202E", "\\uFFFF", "\\uD800", "\\0", "\\n", "\\u0085"})
    void refusesForbiddenCharactersThatComeAsEscapes(String escape) {
        assertThat(messages(GROUP.replace("olga", "ol" + escape + "ga"))).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u0000", "\u0007", "\u001B", "\u007F", "\u0085", "\uFEFF"})
    void refusesControlCharactersInTheSource(String character) {
        assertThat(messages(GROUP.replace("olga", "ol" + character + "ga")))
                .singleElement()
                .asString()
                .startsWith("p.yaml:4:")
                .contains("text without control characters");
    }

    @Test
    void refusesKeysGivenTwice() {
        assertThat(messages("""
            apiVersion: assize.dev/v1
            kind: Group
            kind: Group
            metadata: {tenant: acme, name: noc, labels: {a: x, a: y}}
            spec:
              members: ["user:olga"]
              members: ["user:mallory"]
            """))
                .containsExactlyInAnyOrder(
                        "p.yaml:3:1: Group/noc: kind: `kind`: expected each key once, and line 2 has it already",
                        "p.yaml:4:52: Group/noc: metadata.labels.a: `a`: expected each key once, and line 4 has it"
                                + " already",
                        "p.yaml:7:3: Group/noc: spec.members: `members`: expected each key once, and line 6 has it"
                                + " already");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        Tenant       | environments: []                                                   | environments
        ResourceType | actions: []                                                        | actions
        ResourceType | {actions: [a], implies: {a: []}}                                   | implies.a
        Role         | {inherits: []}                                                     | inherits
        Role         | {permissions: []}                                                  | permissions
        Role         | {permissions: [{resources: [], actions: [a]}]}                     | permissions[0].resources
        Role         | {permissions: [{resources: [x], actions: []}]}                     | permissions[0].actions
        Role         | {permissions: [{resources: [x], actions: [a], environments: []}]}   | permissions[0].environments
        Role         | {permissions: [{resources: [x], actions: [a], obligations: []}]}    | permissions[0].obligations
        Group        | {members: []}                                                      | members
        RoleBinding  | {subjects: [], role: r}                                            | subjects
        RoleBinding  | {subjects: ["user:a"], role: r, scope: {environments: []}}         | scope.environments
        RoleBinding  | {subjects: ["user:a"], role: r, scope: {resourceTypes: []}}        | scope.resourceTypes
        RoleBinding  | {subjects: ["user:a"], role: r, scope: {resources: []}}            | scope.resources
        SeparationOfDuty | {type: active-roles, roles: []}                                    | roles
        SeparationOfDuty | {type: assigned-roles, roles: [a, b], environments: []}            | environments
        SeparationOfDuty | {type: performed-actions, actions: [], resources: [x]}             | actions
        SeparationOfDuty | {type: performed-actions, actions: [a, b], resources: []}          | resources
        ApprovalRule | {resources: [], actions: [a], approverRole: r, pendingTtl: 1h, ttl: 1h} | resources
        ApprovalRule | {resources: [x], actions: [], approverRole: r, pendingTtl: 1h, ttl: 1h} | actions
        ApprovalRule | {resources: [x], actions: [a], approverRole: r, pendingTtl: 1h, ttl: 1h, approverTypes: []} | approverTypes
        """)
    void refusesEmptyLists(String kind, String spec, String field) {
        assertThat(messages(document(kind, spec)))
                .singleElement()
                .asString()
                .contains(kind + "/n: spec." + field + ": `[]`: expected a list with at least one entry");
    }

    @Test
    void refusesAnEmptyScopeWhichWouldBeTheWidest() {
        assertThat(messages(document("RoleBinding", "{subjects: [\"user:a\"], role: r, scope: {}}")))
                .singleElement()
                .asString()
                .contains("spec.scope: `{}`");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        Tenant       | {environments: [a], envs: [b]}                               | envs
        ResourceType | {actions: [a], verbs: [b]}                                   | verbs
        Role         | {inherits: [a], permission: []}                              | permission
        Role         | {permissions: [{resources: [x], actions: [a], action: b}]}   | permissions[0].action
        Group        | {members: ["user:a"], Members: ["user:b"]}                   | Members
        RoleBinding  | {subjects: ["user:a"], role: r, notafter: x}                 | notafter
        RoleBinding  | {subjects: ["user:a"], role: r, scope: {resource: ["a:b"]}}  | scope.resource
        Tenant       | {environments: [a], subjectAttributes: {x: {type: int, typ: int}}} | subjectAttributes.x.typ
        ResourceType | {actions: [a], attributes: {x: {type: int, from: request}}}   | attributes.x.from
        SeparationOfDuty | {type: active-roles, roles: [a, b], limits: 1}            | limits
        ApprovalRule | {resources: [x], actions: [a], approverRole: r, pendingTtl: 1h, ttl: 1h, approver: x} | approver
        Freeze       | {tenant: true, reason: x, subjects: ["user:a"]}               | subjects
        """)
    void refusesUnknownFields(String kind, String spec, String field) {
        assertThat(messages(document(kind, spec)))
                .anySatisfy(problem ->
                        assertThat(problem).contains(kind + "/n: spec." + field + ":", "expected one of the fields `"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "101", "-1", "two"})
    void refusesSoManyAcceptancesOfAChange(String changeApprovals) {
        assertThat(messages(document("Tenant", "{environments: [a], changeApprovals: " + changeApprovals + "}")))
                .singleElement()
                .asString()
                .contains("changeApprovals: `" + changeApprovals + "`: expected a whole number from 1 to 100");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        plan: gold plan              | plan: `gold plan`: expected a name
        plan: 7                      | plan: `7`: expected a string
        limits: {}                   | limits: `{}`: expected at least one of `documents` and `keys`
        limits: [7]                  | limits: `a list`: expected a mapping with `documents` and `keys`
        limits: {documents: 0}       | limits.documents: `0`: expected a whole number from 1 to 1000000000
        limits: {keys: -1}           | limits.keys: `-1`: expected a whole number from 0 to 1000000000
        limits: {keys: 1000000001}   | limits.keys: `1000000001`: expected a whole number from 0 to 1000000000
        limits: {keys: many}         | limits.keys: `many`: expected a whole number from 0 to 1000000000
        limits: {roles: 3}           | limits.roles: `roles`: expected one of
        """)
    void refusesTermsThatAreNone(String field, String message) {
        assertThat(messages(document("Tenant", "{environments: [a], " + field + "}")))
                .singleElement()
                .asString()
                .contains("Tenant/n: spec." + message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        Tenant       | {environments: [a], audit: {destinations: [x]}}                      | audit.destinations
        """)
    void refusesWhatIsNotSupportedYetInsteadOfIgnoringIt(String kind, String spec, String field) {
        assertThat(messages(document(kind, spec)))
                .singleElement()
                .asString()
                .contains(kind + "/n: spec." + field + ":", "this version does not support it yet");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {type: assigned-roles, roles: [a]}                                | roles: `a`: expected at least 2 roles
        {type: assigned-roles, roles: [a, b, a]}                          | roles: `a`: expected each of the roles once
        {type: assigned-roles}                                            | roles: missing
        {type: assigned-roles, roles: [a, b], limit: 0}                   | limit: `0`: expected a whole number from 1 to 1
        {type: assigned-roles, roles: [a, b], limit: 2}                   | limit: `2`: expected a whole number from 1 to 1
        {type: active-roles, roles: [a, b, c], limit: 3}                  | limit: `3`: expected a whole number from 1 to 2
        {type: active-roles, roles: [a, b, c], limit: 1.0}                | limit: `1.0`
        {type: active-roles, roles: [a, b, c], limit: "1"}                | limit: `1`
        {type: active-roles, roles: [a, b], actions: [x]}                 | actions: `actions`: expected no such field where `type` is `active-roles`
        {type: performed-actions, actions: [a], resources: [x]}           | actions: `a`: expected at least 2 actions
        {type: performed-actions, actions: [a, a], resources: [x]}        | actions: `a`: expected each of the actions once
        {type: performed-actions, actions: ["*", a], resources: [x]}      | actions[0]: `*`
        {type: performed-actions, actions: [a, b]}                        | resources: missing
        {type: performed-actions, actions: [a, b], resources: [x], limit: 1} | limit: `limit`: expected no such field
        {type: static, roles: [a, b]}                                     | type: `static`: expected one of `assigned-roles`, `active-roles`, `performed-actions`
        {roles: [a, b]}                                                   | type: missing
        """)
    void refusesDutiesThatKeepNothingApart(String spec, String message) {
        assertThat(messages(document("SeparationOfDuty", spec)))
                .anySatisfy(problem -> assertThat(problem).contains("SeparationOfDuty/n: spec." + message));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        approvals: 0          | approvals: `0`: expected a whole number from 1 to 100
        approvals: 101        | approvals: `101`
        approvals: "2"        | approvals: `2`
        approvals: 99999999999999999999999 | approvals
        approverTypes: [group] | approverTypes[0]: `group`
        approverTypes: [User] | approverTypes[0]: `User`
        singleUse: "true"     | singleUse: `true`: expected `true` or `false`
        ttl: 1h               | ttl: `ttl`: expected each key once
        """)
    void refusesRulesOfApprovalOfAnotherForm(String field, String message) {
        assertThat(messages(document(
                        "ApprovalRule",
                        "{resources: [x], actions: [a], approverRole: r, pendingTtl: 1h, ttl: 1h, " + field + "}")))
                .singleElement()
                .asString()
                .contains("ApprovalRule/n: spec." + message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"\"",
                "0s",
                "0d0h0m0s",
                "15",
                "m",
                "15 m",
                "-15m",
                "1.5h",
                "30m1h",
                "1h1h",
                "PT15M",
                "1H",
                "367d",
                "366d1s",
                "999999999d",
                "9999999999999999999s",
                "1w",
                "٣m"
            })
    void refusesDurationsThatAreNoneOrNothingOrTooLong(String duration) {
        assertThat(messages(document(
                        "ApprovalRule",
                        "{resources: [x], actions: [a], approverRole: r, pendingTtl: 1h, ttl: " + duration + "}")))
                .singleElement()
                .asString()
                .contains("ApprovalRule/n: spec.ttl");
    }

    @ParameterizedTest
    @ValueSource(strings = {"approverRole: r, pendingTtl: 1h", "approverRole: r, ttl: 1h", "pendingTtl: 1h, ttl: 1h"})
    void refusesRulesOfApprovalThatLeaveOutWhoOrHowLong(String fields) {
        assertThat(messages(document("ApprovalRule", "{resources: [x], actions: [a], " + fields + "}")))
                .singleElement()
                .asString()
                .contains("missing");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {reason: x}                                                   | tenant: missing: expected at least one of `subject`, `role`
        {tenant: false, reason: x}                                    | tenant: `false`: expected `true`
        {tenant: acme, reason: x}                                     | tenant: `acme`: expected `true` or `false`
        {tenant: true}                                                | reason: missing
        {subject: "*", reason: x}                                     | subject: `*`
        {subject: "user:*", reason: x}                                | subject: `user:*`: expected a subject or group
        {resource: vault, reason: x}                                  | resource: `vault`: expected a resource path whose segments all have ids; for a type there is `resourceType`
        {resourceType: "*", reason: x}                                | resourceType: `*`
        {run: "", reason: x}                                          | run
        {tenant: true, reason: x, from: 2026-01-01T00:00:00Z, until: 2026-01-01T00:00:00Z} | until: `2026-01-01T00:00:00Z`: expected a time after `from`
        {tenant: true, reason: x, until: tomorrow}                    | until: `tomorrow`
        """)
    void refusesFreezesThatStopNothingOrSayTooLittle(String spec, String message) {
        assertThat(messages(document("Freeze", spec)))
                .singleElement()
                .asString()
                .contains("Freeze/n: spec." + message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"group:noc", "user:*", "alice", "User:a", "*"})
    void refusesNamesOfSubjectsThatAreNone(String name) {
        assertThat(messages(document("Subject", "{}").replace("name: n", "name: \"" + name + "\"")))
                .singleElement()
                .asString()
                .contains("metadata.name: `" + name + "`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vault/", "vault:a%2f", "vault:a//x:y", "*", "Vault:a"})
    void refusesNamesOfResourcesThatAreNone(String name) {
        assertThat(messages(document("Resource", "{}").replace("name: n", "name: \"" + name + "\"")))
                .singleElement()
                .asString()
                .contains("metadata.name: `" + name + "`");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {a: ~}                        | a: `~`: expected a string, a number
        {a: 9223372036854775808}      | a: `9223372036854775808`: expected a whole number of 64 bits
        {a: .inf}                     | a: `.inf`: expected a finite number
        {a: .nan}                     | a: `.nan`: expected a finite number
        {a: 1e999}                    | a: `1e999`: expected a finite number
        {a: [[[[[x]]]]]}              | a[0][0][0][0]: `deeper`: expected lists and maps at most 4 deep
        {a: {b: {c: {d: {e: {f: x}}}}}} | a.b.c.d.e: `deeper`: expected lists and maps at most 4 deep
        {a: {b: x, b: y}}             | a.b: `b`: expected each key once
        {a: x, a: y}                  | a: `a`: expected each key once
        {"": x}                       | : missing: expected a name of 1 to 256 bytes
        {a: "\\uD800"}                | a
        [x]                           | : `a list`: expected a mapping from names to values
        """)
    void refusesAttributesThatAreNone(String attributes, String message) {
        String document =
                document("Subject", "{attributes: " + attributes + "}").replace("name: n", "name: user:a");

        assertThat(messages(document)).singleElement().asString().contains("Subject/user:a: spec.attributes");
        assertThat(messages(document)).singleElement().asString().contains(message);
    }

    @Test
    void takesAttributesUpToTheirBoundsAndNotOneMore() {
        String subject = document("Subject", "{attributes: @}").replace("name: n", "name: user:a");
        String full = "x".repeat(4_096);
        StringBuilder many = new StringBuilder("{a0: x");
        for (int i = 1; i < 64; i++) {
            many.append(", a").append(i).append(": x");
        }

        assertThat(read(subject.replace("@", "{a: " + full + "}")).problems()).isEmpty();
        assertThat(messages(subject.replace("@", "{a: x" + full + "}")))
                .singleElement()
                .asString()
                .contains("a: `4097 bytes`: expected at most 4096 bytes");
        assertThat(read(subject.replace("@", many + "}")).problems()).isEmpty();
        assertThat(messages(subject.replace("@", many + ", b: x}")))
                .singleElement()
                .asString()
                .contains("spec.attributes: `65 entries`: expected at most 64");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {}                              | audit: `{}`: expected at least one of `retention`, `piiPatterns`, `pseudonyms` and `decisionLog`
        {retain: 1d}                    | audit.retain: `retain`: expected one of the fields `retention`
        {decisionLog: some}             | audit.decisionLog: `some`: expected `none`, `denies` or `all`
        {decisionLog: [all]}            | audit.decisionLog: `a list`: expected
        {decisionLog: {}}               | audit.decisionLog.mode: missing: expected `none`, `denies` or `all`
        {decisionLog: {mode: yes}}      | audit.decisionLog.mode: `yes`: expected `none`, `denies` or `all`
        {decisionLog: {mode: all, acknowledge: never}} | audit.decisionLog.acknowledge: `never`: expected `before` or `after`
        {decisionLog: {mode: all, wait: true}} | audit.decisionLog.wait: `wait`: expected one of the fields
        {retention: 0d}                 | audit.retention: `0d`: expected a duration such as `365d`
        {retention: 1y}                 | audit.retention: `1y`: expected a duration such as `365d`
        {retention: 36526d}             | audit.retention: `36526d`
        {piiPatterns: []}               | audit.piiPatterns: `[]`: expected a list with at least one entry
        {piiPatterns: [""]}             | audit.piiPatterns[0]: `""`: expected a regular expression (RE2)
        {piiPatterns: [a, "("]}         | audit.piiPatterns[1]: `(`: expected a regular expression (RE2)
        {piiPatterns: ['(a)\\1']}        | audit.piiPatterns[0]: `(a)\\1`: expected a regular expression (RE2)
        {piiPatterns: ['a*']}           | audit.piiPatterns[0]: `a*`: expected a regular expression (RE2)
        {piiPatterns: ['(a{30}){100}']} | audit.piiPatterns[0]: `(a{30}){100}`
        """)
    void refusesAuditSettingsThatAreNone(String audit, String message) {
        assertThat(messages(document("Tenant", "{environments: [a], audit: " + audit + "}")))
                .singleElement()
                .asString()
                .contains("Tenant/n: spec." + message);
    }

    @Test
    void readsWhichDecisionsGoOnRecord() {
        assertThat(decisionLog("none")).isEqualTo(DecisionLog.NONE);
        assertThat(decisionLog("denies"))
                .isEqualTo(new DecisionLog(DecisionLog.Mode.DENIES, DecisionLog.Acknowledge.BEFORE));
        assertThat(decisionLog("{mode: all}"))
                .isEqualTo(new DecisionLog(DecisionLog.Mode.ALL, DecisionLog.Acknowledge.BEFORE));
        assertThat(decisionLog("{mode: all, acknowledge: after}"))
                .isEqualTo(new DecisionLog(DecisionLog.Mode.ALL, DecisionLog.Acknowledge.AFTER));
    }

    private static DecisionLog decisionLog(String text) {
        ReadResult result = read(document("Tenant", "{environments: [a], audit: {decisionLog: " + text + "}}"));
        assertThat(result.problems()).isEmpty();
        return ((Document.TenantDocument) result.documents().getFirst()).audit().decisionLog();
    }

    @Test
    void boundsPatternsOfPersonalData() {
        String edge = "a".repeat(PiiPattern.MAX_LENGTH);
        String tenant = "{environments: [a], audit: {retention: 36525d, piiPatterns: [" + edge + ", b"
                + ", b".repeat(PiiPattern.MAX_PATTERNS - 2) + "@]}}";
        assertThat(read(document("Tenant", tenant.replace("@", ""))).problems()).isEmpty();
        assertThat(messages(document("Tenant", tenant.replace("@", ", b"))))
                .singleElement()
                .asString()
                .contains("audit.piiPatterns: `33 entries`: expected at most 32");
        assertThat(messages(document("Tenant", tenant.replace("@", "").replace(edge, edge + "a"))))
                .singleElement()
                .asString()
                .contains("audit.piiPatterns[0]: ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        {x: int}                                  | x: `int`: expected a mapping with a `type`
        {x: {source: stored}}                     | x.type: missing
        {x: {type: integer}}                      | x.type: `integer`: expected a type: `string`
        {x: {type: list}}                         | x.type: `list`
        {x: {type: "list(list(list(list(list(int)))))"}} | x.type
        {x: {type: int, source: policy}}          | x.source: `policy`: expected `stored`, `request` or `either`
        """)
    void refusesDeclarationsOfAttributesThatAreNone(String declarations, String message) {
        assertThat(messages(document("Tenant", "{environments: [a], subjectAttributes: " + declarations + "}")))
                .singleElement()
                .asString()
                .contains("Tenant/n: spec.subjectAttributes." + message);
        assertThat(messages(document("ResourceType", "{actions: [a], attributes: " + declarations + "}")))
                .singleElement()
                .asString()
                .contains("ResourceType/n: spec.attributes." + message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Subject", "Resource", "ApprovalRule", "Freeze", "RoleBinding", "Group"})
    void refusesWhatThePlatformHasNot(String kind) {
        assertThat(messages(document(kind, "{}").replace("  tenant: acme\n", "").replace("name: n", "name: user:a")))
                .anySatisfy(problem -> assertThat(problem)
                        .contains("metadata.tenant: missing", "`ResourceType`, `Role` and `SeparationOfDuty`"));
    }

    @Test
    void refusesWhatIsOnlyASpellingAway() {
        assertThat(messages(document("role", "{inherits: [a]}")))
                .singleElement()
                .asString()
                .contains("`role`: expected one of `Tenant`, `ResourceType`, `Role`");
        assertThat(messages(document("Role", "{inherits: [a]}").replace("/v1", "/v2")))
                .singleElement()
                .asString()
                .contains("`assize.dev/v2`: expected `assize.dev/v1`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "1.5", "true", "0x1F"})
    void takesNothingButStringsForNames(String name) {
        assertThat(messages(document("Group", "{members: [\"user:a\"]}").replace("name: n", "name: " + name)))
                .anySatisfy(problem -> assertThat(problem)
                        .contains("metadata.name: `" + name + "`: expected a string: put it in quotes"));
        assertThat(read(document("Group", "{members: [\"user:a\"]}").replace("name: n", "name: \"" + name + "\""))
                        .problems())
                .isEmpty();
    }

    @Test
    void doesNotLetOneBrokenDocumentHideAnother() {
        ReadResult read = read(GROUP + "---\n{{\n---\n" + document("Group", "{members: []}"));

        assertThat(read.documents()).hasSize(1);
        assertThat(read.problems()).hasSize(2);
        assertThat(read.problems().getLast().place().line()).isEqualTo(14);
    }

    @Test
    void refusesANameGivenTwiceInAChange() {
        ReadResult read = read(GROUP + "---\n" + GROUP);

        assertThat(DocumentReader.findRepeated(read.documents()))
                .singleElement()
                .asString()
                .contains("p.yaml:6", "Group/noc: metadata.name: `noc`", "p.yaml:1 has it already");
    }

    @Test
    void readsNothingFromNothing() {
        for (String empty : List.of("", "\n", "---\n", "# only words\n", "---\n---\n", "\uFEFF")) {
            assertThat(read(empty)).isEqualTo(new ReadResult(List.of(), List.of()));
        }
    }

    private static String document(String kind, String spec) {
        String tenant = kind.equals("Tenant") ? "" : "  tenant: acme\n";
        return "apiVersion: assize.dev/v1\nkind: " + kind + "\nmetadata:\n" + tenant + "  name: n\nspec:\n  " + spec
                + "\n";
    }

    private static List<String> messages(String yaml) {
        return messages(yaml.getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> messages(byte[] yaml) {
        ReadResult read = DocumentReader.read("p.yaml", 1, yaml);
        assertThat(read.documents()).isEmpty();
        return read.problems().stream().map(Problem::message).toList();
    }

    private static ReadResult read(String yaml) {
        return DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
    }
}
