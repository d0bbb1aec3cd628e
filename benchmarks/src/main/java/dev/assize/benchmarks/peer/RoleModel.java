package dev.assize.benchmarks.peer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Users, their roles and what the roles may do, without groups, scopes, times and conditions: what every engine here can
 * say. The same for the same arguments.
 */
public final class RoleModel {

    /** How many questions are asked over and over where access is hot. */
    public static final int HOT_QUESTIONS = 2_048;

    private static final int CORE_USERS = 200;
    private static final int CORE_ROLES = 10;
    private static final int ROLES_OF_A_USER = 5;
    private static final int PERMISSIONS_OF_A_ROLE = 20;
    private static final int CORE_BINDINGS = CORE_USERS * ROLES_OF_A_USER;

    /** How many policies there are where only bindings grow. */
    private static final int POLICIES = 1_000;

    /** A role and its permissions, each one policy. */
    record Role(String name, Set<Permission> permissions) {}

    /** A user and the places of its roles, each one binding. */
    record User(String name, int[] roles) {}

    private final Vocabulary vocabulary;
    private final List<Role> roles;
    private final List<User> users;

    RoleModel(Vocabulary vocabulary, List<Role> roles, List<User> users) {
        this.vocabulary = vocabulary;
        this.roles = List.copyOf(roles);
        this.users = List.copyOf(users);
    }

    /** By its name: `one-tenant`, `policies-N`, `bindings-N`, or `hospital-N` for so many departments. */
    public static RoleModel named(String name) {
        String kind = name.substring(0, Math.max(0, name.lastIndexOf('-')));
        return switch (kind) {
            case "one" -> oneTenant();
            case "policies" -> grown(number(name), CORE_BINDINGS);
            case "bindings" -> grown(POLICIES, number(name));
            case "hospital" -> Hospital.model(number(name));
            default ->
                throw new IllegalArgumentException("model `" + name
                        + "`: expected `one-tenant`, `policies-<n>`, `bindings-<n>` or `hospital-<departments>`");
        };
    }

    /** One tenant as they are: 20 roles of 40 permissions, 200 users of 5 roles. */
    static RoleModel oneTenant() {
        SplittableRandom random = new SplittableRandom(1);
        Vocabulary vocabulary = Vocabulary.numbered();
        List<Role> roles = IntStream.range(0, 20)
                .mapToObj(i -> new Role("role-" + i, permissions(vocabulary, random, 40)))
                .toList();
        return new RoleModel(
                vocabulary,
                roles,
                IntStream.range(0, CORE_USERS)
                        .mapToObj(i -> user("user-" + i, random, roles.size()))
                        .toList());
    }

    /**
     * One that grows around 200 users, whose roles and permissions, and so the answers to the hot questions, are the same
     * at every size. Each further role has up to 20 permissions and a user of its own.
     *
     * @param policies at least 10
     * @param bindings at least 1,000; those of the users who have a role of their own come on top
     */
    static RoleModel grown(int policies, int bindings) {
        if (policies < CORE_ROLES || bindings < CORE_BINDINGS) {
            throw new IllegalArgumentException(policies + " policies, " + bindings + " bindings: expected at least "
                    + CORE_ROLES + " and " + CORE_BINDINGS);
        }
        SplittableRandom core = new SplittableRandom(2);
        Vocabulary vocabulary = Vocabulary.numbered();
        List<Role> roles = new ArrayList<>();
        for (int i = 0; i < CORE_ROLES; i++) {
            roles.add(new Role("role-" + i, permissions(vocabulary, core, 1)));
        }
        List<User> users = new ArrayList<>();
        for (int i = 0; i < CORE_USERS; i++) {
            users.add(user("user-" + i, core, CORE_ROLES));
        }
        SplittableRandom more = new SplittableRandom(3);
        for (int left = policies - CORE_ROLES; left > 0; left -= PERMISSIONS_OF_A_ROLE) {
            users.add(new User("owner-" + roles.size(), new int[] {roles.size()}));
            int count = Math.min(left, PERMISSIONS_OF_A_ROLE);
            roles.add(new Role("role-" + roles.size(), permissions(vocabulary, more, count)));
        }
        for (int i = CORE_USERS; i < bindings / ROLES_OF_A_USER; i++) {
            users.add(user("user-" + i, more, roles.size()));
        }
        return new RoleModel(vocabulary, roles, users);
    }

    Vocabulary vocabulary() {
        return vocabulary;
    }

    List<Role> roles() {
        return roles;
    }

    List<User> users() {
        return users;
    }

    List<Role> rolesOf(User user) {
        return IntStream.of(user.roles).mapToObj(roles::get).toList();
    }

    /** All pairs of a user's name and a role's. */
    Stream<List<String>> bindings() {
        return users.stream().flatMap(user -> rolesOf(user).stream().map(role -> List.of(user.name, role.name)));
    }

    int policies() {
        return roles.stream().map(Role::permissions).mapToInt(Collection::size).sum();
    }

    /** Of the first 200 users, who are there at every size; half of them about what one of the user's roles may do. */
    public List<Question> hot(int count) {
        return questions(count, 4, Math.min(CORE_USERS, users.size()));
    }

    /** Of all users. */
    public List<Question> uniform(int count) {
        return questions(count, 5, users.size());
    }

    private List<Question> questions(int count, long seed, int ofUsers) {
        SplittableRandom random = new SplittableRandom(seed);
        return Stream.generate(() -> question(random, users.get(random.nextInt(ofUsers))))
                .limit(count)
                .toList();
    }

    private Question question(SplittableRandom random, User user) {
        Permission about = random.nextBoolean() ? anyOf(user, random) : vocabulary.any(random);
        return new Question(user.name, about.type(), "r" + random.nextInt(1_000), about.action(), about.environment());
    }

    private Permission anyOf(User user, SplittableRandom random) {
        List<Permission> permissions =
                List.copyOf(roles.get(user.roles[random.nextInt(user.roles.length)]).permissions);
        return permissions.get(random.nextInt(permissions.size()));
    }

    private static User user(String name, SplittableRandom random, int ofRoles) {
        Set<Integer> roles = new TreeSet<>();
        while (roles.size() < ROLES_OF_A_USER) {
            roles.add(random.nextInt(ofRoles));
        }
        return new User(name, roles.stream().mapToInt(Integer::intValue).toArray());
    }

    private static Set<Permission> permissions(Vocabulary vocabulary, SplittableRandom random, int count) {
        Set<Permission> permissions = new LinkedHashSet<>();
        while (permissions.size() < count) {
            permissions.add(vocabulary.any(random));
        }
        return permissions;
    }

    private static int number(String name) {
        return Integer.parseInt(name.substring(name.lastIndexOf('-') + 1));
    }
}
