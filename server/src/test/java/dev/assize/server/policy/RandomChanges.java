package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Changes by chance over so few names that most documents refer to one another, and many changes are wrong. */
final class RandomChanges {

    static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    static final Document TENANT = read(document("Tenant", "acme", "environments: [e1, e2, e3]"));

    private final SplittableRandom random;
    private final boolean timid;

    /** @param timid whether to leave alone what nearly everything refers to */
    RandomChanges(long seed, boolean timid) {
        random = new SplittableRandom(seed);
        this.timid = timid;
    }

    /** Documents put, and keys deleted; none twice. */
    record Change(List<Document> puts, List<DocumentKey> deletes) {}

    Change next(PolicySet before) {
        Map<DocumentKey, Document> puts = new LinkedHashMap<>();
        List<DocumentKey> deletes = new ArrayList<>();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            Document document = next();
            puts.put(document.key(), document);
        }
        List<Document> there = List.copyOf(before.documents());
        if (!there.isEmpty() && random.nextInt(3) == 0) {
            DocumentKey key = there.get(random.nextInt(there.size())).key();
            if (!puts.containsKey(key)) {
                deletes.add(key);
            }
        }
        return new Change(List.copyOf(puts.values()), deletes);
    }

    private Document next() {
        return read(
                switch (random.nextInt(timid ? 12 : 24)) {
                    case 0, 1, 2, 3, 4 -> binding();
                    case 5, 6, 7 ->
                        document(
                                "Group",
                                "g" + random.nextInt(4),
                                "members: [" + some("user:u", 4) + ", \"user:u0\""
                                        + (random.nextInt(3) == 0 ? ", \"group:g" + random.nextInt(4) + "\"" : "")
                                        + "]");
                    case 8, 9, 10 -> role();
                    case 11 -> duty();
                    case 12, 13 ->
                        document(
                                "Tenant",
                                "acme",
                                "{environments: [e1, e2" + (random.nextInt(4) == 0 ? "" : ", e3")
                                        + "], subjectAttributes: {level: {type: " + pick("int", "int", "string")
                                        + ", source: "
                                        + pick("stored", "either", "request") + "}}}");
                    case 14, 15 ->
                        document(
                                "ResourceType",
                                "t" + random.nextInt(2),
                                "{actions: [read, write], attributes: {tag: {type: " + pick("int", "string") + "}}}");
                    case 16, 17 ->
                        document(
                                "Subject",
                                "user:u" + random.nextInt(3),
                                "{attributes: {level: " + pick("1", "x") + "}}");
                    case 18, 19 ->
                        document(
                                "Resource",
                                "t" + random.nextInt(3) + ":a",
                                "{attributes: {tag: " + pick("1", "x") + "}}");
                    case 20, 21 ->
                        document(
                                "Freeze",
                                "f" + random.nextInt(3),
                                "{reason: x, "
                                        + pick(
                                                "role: r1",
                                                "subject: \"group:g1\"",
                                                "action: read",
                                                "action: write, resourceType: t0",
                                                "environment: e3",
                                                "resourceType: t1")
                                        + "}");
                    default ->
                        document(
                                "ApprovalRule",
                                "a" + random.nextInt(2),
                                "{resources: [t" + random.nextInt(2)
                                        + "], actions: [read], environments: [e" + random.nextInt(1, 4)
                                        + "], approverRole: r" + random.nextInt(6) + ", pendingTtl: 1h, ttl: 1h}");
                });
    }

    private String binding() {
        String subject = pick(
                "user:u" + random.nextInt(4),
                "user:u" + random.nextInt(4),
                "group:g" + random.nextInt(4),
                timid ? "user:u1" : "*");
        String times = pick(
                "",
                "",
                ", notAfter: 2026-0" + random.nextInt(5, 9) + "-01T00:00:00Z",
                ", notBefore: 2026-0" + random.nextInt(5, 9) + "-01T00:00:00Z");
        String scope =
                pick("", "", ", scope: {environments: [" + some("e", 4) + ", e1]}", ", scope: {resourceTypes: [t0]}");
        String more = pick("", "", "", ", fromTenant: globex", timid ? "" : ", when: \"subject.attr.level > 1\"");
        return document(
                "RoleBinding",
                "b" + random.nextInt(8),
                "{subjects: [\"" + subject + "\"], role: r" + random.nextInt(6) + times + scope + more + "}");
    }

    private String role() {
        int role = random.nextInt(6);
        String inherits = role < 5 && random.nextInt(3) == 0
                ? ", inherits: [r" + random.nextInt(timid ? role + 1 : 0, 6) + "]"
                : "";
        String when = timid || random.nextInt(4) > 0 ? "" : ", when: \"resource.attr.tag == 1\"";
        return document(
                "Role",
                "r" + role,
                "{permissions: [{resources: [" + pick("t0", "t1", "\"*\"") + "], actions: [read]" + when + "}]"
                        + inherits + "}");
    }

    private String duty() {
        return document(
                "SeparationOfDuty",
                "s" + random.nextInt(2),
                pick(
                        "{type: assigned-roles, roles: [r0, r1]}",
                        "{type: assigned-roles, roles: [r0, r2], environments: [e1, e3]}",
                        "{type: assigned-roles, roles: [r0, r1, r2], limit: 2}",
                        "{type: active-roles, roles: [r3, r4]}",
                        "{type: performed-actions, actions: [read, write], resources: [t0]}"));
    }

    private String some(String prefix, int count) {
        List<String> names = new ArrayList<>();
        for (int i = random.nextInt(1, 3); i > 0; i--) {
            names.add("\"" + prefix + random.nextInt(1, count) + "\"");
        }
        return String.join(", ", names);
    }

    private String pick(String... values) {
        return values[random.nextInt(values.length)];
    }

    private static String document(String kind, String name, String spec) {
        String tenant = kind.equals("Tenant") ? "" : "tenant: acme, ";
        return "apiVersion: assize.dev/v1\nkind: " + kind + "\nmetadata: {" + tenant + "name: \"" + name
                + "\"}\nspec:\n  " + spec + "\n";
    }

    private static Document read(String yaml) {
        ReadResult read = DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        if (read.documents().size() != 1) {
            throw new IllegalStateException(yaml + read.problems());
        }
        return read.documents().getFirst();
    }
}
