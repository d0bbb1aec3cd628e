package dev.assize.server.administration.review;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.review.GrantRow.Position;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Rows against what the words mean, in worlds made at random. */
class GrantRowsTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId GLOBEX = new TenantId("globex");
    private static final List<String> SUBJECTS =
            List.of("user:a", "user:b", "user:c", "service:a", "service:d", "*", "user:*");
    private static final List<String> GROUPS = List.of("g0", "g1", "g2", "g3", "g4");
    private static final List<String> ROLES = List.of("r0", "r1", "r2", "r3", "p0", "p1", "p2");

    @Test
    void aRowStandsExactlyWhereTheBindingGivesTheSubjectTheRoleNow() {
        for (long seed = 0; seed < 2_000; seed++) {
            World world = new World(new SplittableRandom(seed));
            Set<String> expected = new TreeSet<>();
            for (RoleBindingDocument binding : world.bindings()) {
                for (String subject : SUBJECTS) {
                    ROLES.stream()
                            .filter(role -> world.gives(binding, subject, role))
                            .forEach(role -> expected.add(text(binding, subject, role)));
                }
            }
            List<GrantRow> rows = all(world, everybody(), 7);

            assertThat(rows.stream().map(GrantRowsTest::text).toList())
                    .as("seed " + seed)
                    .doesNotHaveDuplicates()
                    .containsExactlyInAnyOrderElementsOf(expected);
            assertThat(rows)
                    .as("seed " + seed)
                    .isSortedAccordingTo((one, other) -> {
                        int byBinding =
                                one.binding().name().compareTo(other.binding().name());
                        int bySubject = one.subject()
                                .toString()
                                .compareTo(other.subject().toString());
                        return byBinding != 0
                                ? byBinding
                                : bySubject != 0 ? bySubject : one.role().compareTo(other.role());
                    })
                    .allSatisfy(world::leadsThere);
        }
    }

    @Test
    void goesOnBehindWhereItStoodWhateverTheSizeOfItsPages() {
        for (long seed = 0; seed < 300; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            World world = new World(random);
            List<GrantRow> whole = all(world, everybody(), 1_000);
            List<GrantRow> pieces = new ArrayList<>();
            Position after = null;
            GrantRows rows;
            do {
                rows = world.rows(everybody(), after);
                int[] bindings = {random.nextInt(3)};
                pieces.addAll(rows.next(random.nextInt(1, 4), () -> bindings[0]-- > 0 || random.nextInt(4) == 0));
                after = rows.position();
            } while (rows.hasNext());

            assertThat(pieces).as("seed " + seed).isEqualTo(whole);
        }
    }

    @Test
    void showsWhatOneSubjectHasByNameAndByPattern() {
        for (long seed = 0; seed < 300; seed++) {
            World world = new World(new SplittableRandom(seed));
            GrantFilter filter = new GrantFilter(Subject.parse("user:a"), GLOBEX, "p1");

            assertThat(all(world, filter, 5))
                    .as("seed " + seed)
                    .isEqualTo(all(world, everybody(), 5).stream()
                            .filter(row -> row.home().equals(GLOBEX)
                                    && row.role().equals("p1")
                                    && Set.of("user:a", "user:*", "*")
                                            .contains(row.subject().toString()))
                            .toList());
        }
    }

    private static GrantFilter everybody() {
        return new GrantFilter(null, ACME, null);
    }

    private static List<GrantRow> all(World world, GrantFilter filter, int page) {
        GrantRows rows = world.rows(filter, null);
        List<GrantRow> all = new ArrayList<>();
        while (rows.hasNext()) {
            all.addAll(rows.next(page, () -> true));
        }
        return all;
    }

    private static String text(GrantRow row) {
        return text(row.binding(), row.subject().toString(), row.role());
    }

    private static String text(RoleBindingDocument binding, String subject, String role) {
        return binding.name() + " " + subject + " " + role;
    }

    /** A tenant and the platform; groups and roles refer only to later ones, so there are no circles. */
    private static final class World {

        private final SplittableRandom random;
        private final PolicySet tenant;
        private final PolicySet platform;

        World(SplittableRandom random) {
            this.random = random;
            PolicyScope acme = PolicyScope.of(ACME);
            List<Document> own = new ArrayList<>();
            List<Document> shared = new ArrayList<>();
            for (int i = 0; i < GROUPS.size(); i++) {
                Set<Subject> members = new LinkedHashSet<>(Set.of(anySubject()));
                for (int more = random.nextInt(3); more > 0; more--) {
                    members.add(anySubject());
                }
                for (String later : GROUPS.subList(i + 1, GROUPS.size())) {
                    if (random.nextInt(3) == 0) {
                        members.add(new Subject(Subject.GROUP_TYPE, later));
                    }
                }
                own.add(new GroupDocument(metadata(acme, GROUPS.get(i)), SourcePlace.UNKNOWN, List.copyOf(members)));
            }
            for (int i = 0; i < ROLES.size(); i++) {
                boolean isShared = ROLES.get(i).startsWith("p");
                List<String> inherits = ROLES.subList(i + 1, ROLES.size()).stream()
                        .filter(later -> random.nextInt(4) == 0)
                        .toList();
                (isShared ? shared : own)
                        .add(new RoleDocument(
                                metadata(isShared ? PolicyScope.PLATFORM : acme, ROLES.get(i)),
                                SourcePlace.UNKNOWN,
                                inherits,
                                List.of()));
            }
            for (int i = random.nextInt(8); i > 0; i--) {
                own.add(binding(metadata(acme, "b" + i)));
            }
            tenant = PolicySet.of(acme, new Revision(1), own);
            platform = PolicySet.of(PolicyScope.PLATFORM, new Revision(1), shared);
        }

        private static Metadata metadata(PolicyScope scope, String name) {
            return new Metadata(scope, name, new TreeMap<>(), null);
        }

        private RoleBindingDocument binding(Metadata metadata) {
            List<SubjectPattern> subjects = new ArrayList<>();
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                subjects.add(
                        switch (random.nextInt(6)) {
                            case 0 -> new SubjectPattern.Anyone();
                            case 1 -> new SubjectPattern.AnyOfType("user");
                            case 2, 3 -> new SubjectPattern.Named(new Subject(Subject.GROUP_TYPE, any(GROUPS)));
                            default -> new SubjectPattern.Named(anySubject());
                        });
            }
            return new RoleBindingDocument(
                    metadata,
                    SourcePlace.UNKNOWN,
                    subjects.stream().distinct().toList(),
                    any(ROLES),
                    Scope.ALL,
                    random.nextInt(3) == 0 ? GLOBEX : random.nextBoolean() ? ACME : null,
                    bound(),
                    bound(),
                    null,
                    null);
        }

        /** Before, at or after noon, or none. */
        private @Nullable Instant bound() {
            int nanos = random.nextInt(-1, 5);
            return nanos > 1 ? null : NOON.plusNanos(nanos);
        }

        private Subject anySubject() {
            return Subject.parse(any(SUBJECTS.subList(0, 5)));
        }

        private <T> T any(List<T> values) {
            return values.get(random.nextInt(values.size()));
        }

        List<RoleBindingDocument> bindings() {
            return tenant.ofKind(RoleBindingDocument.class);
        }

        GrantRows rows(GrantFilter filter, @Nullable Position after) {
            return new GrantRows(tenant, platform, NOON, filter, after);
        }

        boolean gives(RoleBindingDocument binding, String subject, String role) {
            return holds(binding.notBefore(), binding.notAfter())
                    && binding.subjects().stream().anyMatch(pattern -> reaches(binding, pattern.toString(), subject))
                    && isOrInherits(binding.role(), role);
        }

        private static boolean holds(@Nullable Instant from, @Nullable Instant until) {
            return (from == null || from.compareTo(NOON) <= 0) && (until == null || until.compareTo(NOON) > 0);
        }

        private boolean reaches(RoleBindingDocument binding, String pattern, String subject) {
            boolean foreign = GLOBEX.equals(binding.fromTenant());
            return pattern.equals(subject)
                    || (!foreign && pattern.startsWith("group:") && isMember(pattern.substring(6), subject));
        }

        private boolean isMember(String group, String subject) {
            return tenant.ofKind(GroupDocument.class).stream()
                    .filter(document -> document.name().equals(group))
                    .flatMap(document -> document.members().stream())
                    .anyMatch(member -> member.isGroup()
                            ? isMember(member.id(), subject)
                            : member.toString().equals(subject));
        }

        private boolean isOrInherits(String role, String sought) {
            return role.equals(sought)
                    || inherits(role).stream().anyMatch(inherited -> isOrInherits(inherited, sought));
        }

        private List<String> inherits(String role) {
            return List.of(tenant, platform).stream()
                    .flatMap(set -> set.ofKind(RoleDocument.class).stream())
                    .filter(document -> document.name().equals(role))
                    .flatMap(document -> document.inherits().stream())
                    .toList();
        }

        /** The ways that a row shows are ways, step by step. */
        void leadsThere(GrantRow row) {
            List<String> subjects = row.binding().subjects().stream()
                    .map(SubjectPattern::toString)
                    .collect(Collectors.toCollection(ArrayList::new));
            for (String group : row.groups()) {
                assertThat(subjects).contains("group:" + group);
                subjects = tenant.ofKind(GroupDocument.class).stream()
                        .filter(document -> document.name().equals(group))
                        .flatMap(document -> document.members().stream())
                        .map(Subject::toString)
                        .collect(Collectors.toCollection(ArrayList::new));
            }
            assertThat(subjects).contains(row.subject().toString());
            List<String> roles = Collections.singletonList(row.binding().role());
            for (String role : row.inheritedThrough()) {
                assertThat(roles).contains(role);
                roles = inherits(role);
            }
            assertThat(roles).contains(row.role());
        }
    }
}
