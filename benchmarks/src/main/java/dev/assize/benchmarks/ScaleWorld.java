package dev.assize.benchmarks;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * One large tenant: 1,000,000 bindings of one subject or group and one role each, over 200,000 users of whom each is in
 * one of 5,000 groups, and 500 roles of 10 permissions over 20 types and 20 actions. One binding in twenty names a group.
 */
final class ScaleWorld {

    static final TenantId TENANT = new TenantId("large");
    static final PolicyScope SCOPE = PolicyScope.of(TENANT);
    static final PolicySet PLATFORM = PolicySet.empty(PolicyScope.PLATFORM);
    static final int USERS = 200_000;
    static final int GROUPS = 5_000;
    static final int ROLES = 500;

    private static final int TYPES = 20;
    private static final int ACTIONS = 20;

    private ScaleWorld() {}

    static PolicySet policy(int bindings) {
        SplittableRandom random = new SplittableRandom(1);
        List<Document> documents = new ArrayList<>();
        documents.add(new TenantDocument(
                metadata(TENANT.value()), SourcePlace.UNKNOWN, List.of(Environment.DEFAULT), new TreeMap<>()));
        List<Action> actions =
                IntStream.range(0, ACTIONS).mapToObj(ScaleWorld::action).toList();
        for (int type = 0; type < TYPES; type++) {
            documents.add(new ResourceTypeDocument(
                    metadata("type" + type), SourcePlace.UNKNOWN, actions, new TreeMap<>(), new TreeMap<>()));
        }
        for (int role = 0; role < ROLES; role++) {
            documents.add(role(role, random));
        }
        for (int group = 0; group < GROUPS; group++) {
            documents.add(group(group, GROUPS));
        }
        for (int i = 0; i < bindings; i++) {
            Subject subject = i % 20 == 0
                    ? new Subject(Subject.GROUP_TYPE, "group" + random.nextInt(GROUPS))
                    : user(random.nextInt(USERS));
            documents.add(binding(i, subject, random.nextInt(ROLES)));
        }
        return PolicySet.of(SCOPE, new Revision(1), documents);
    }

    static RoleBindingDocument binding(int number, Subject subject, int role) {
        return new RoleBindingDocument(
                metadata("binding-" + number),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(subject)),
                "role" + role,
                Scope.ALL,
                null,
                null,
                null,
                null,
                null);
    }

    /** Every user whose number leaves the group's. */
    static GroupDocument group(int number, int step) {
        List<Subject> members = new ArrayList<>();
        for (int user = number; user < USERS; user += step) {
            members.add(user(user));
        }
        return new GroupDocument(metadata("group" + number), SourcePlace.UNKNOWN, members);
    }

    static RoleDocument role(int number, SplittableRandom random) {
        List<Permission> permissions = IntStream.range(0, 10)
                .mapToObj(i -> new Permission(
                        SourcePlace.UNKNOWN,
                        Effect.ALLOW,
                        new AnyOf.Listed<>(List.of("type" + random.nextInt(TYPES))),
                        new AnyOf.Listed<>(List.of(action(random.nextInt(ACTIONS)))),
                        new AnyOf.All<>(),
                        null,
                        List.of()))
                .toList();
        return new RoleDocument(metadata("role" + number), SourcePlace.UNKNOWN, List.of(), permissions);
    }

    static CheckQuery query(SplittableRandom random) {
        return new CheckQuery(
                user(random.nextInt(USERS)),
                ResourcePath.parse("type" + random.nextInt(TYPES) + ":1"),
                action(random.nextInt(ACTIONS)),
                TENANT,
                Environment.DEFAULT,
                TENANT);
    }

    static Subject user(int number) {
        return new Subject("user", "user-" + number);
    }

    private static Action action(int number) {
        return new Action("action" + number);
    }

    private static Metadata metadata(String name) {
        return new Metadata(SCOPE, name, Collections.emptySortedMap(), null);
    }
}
