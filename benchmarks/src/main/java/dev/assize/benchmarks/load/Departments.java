package dev.assize.benchmarks.load;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The policy of tenants that are made of departments, and what it says: a department has a type of documents, roles that
 * view, edit and approve them, and four bindings with users of their own, the last of which holds in production only.
 *
 * <p>A department is eight documents of policy, the shape of the load test that Cerbos publishes: 100 departments are its
 * 800 policies. That a user may do something is known here without asking anybody.
 *
 * @param tenants their names begin with {@code name}
 * @param departments of each tenant
 * @param users of each binding
 * @param spec of the Tenant document behind its environments, as YAML, one line; empty for none
 */
record Departments(String name, int tenants, int departments, int users, String spec) {

    static final int DOCUMENTS = 8;

    private static final int BINDINGS = 4;
    private static final String[] ROLES = {"viewer", "editor", "approver", "editor"};
    private static final String[] ACTIONS = {"view", "edit", "approve", "delete"};
    private static final String[] ENVIRONMENTS = {"staging", "production"};

    Departments {
        if (tenants < 1 || departments < 1 || users < 1) {
            throw new IllegalArgumentException("An empty world");
        }
    }

    static Departments of(String name, int tenants, int departments, int users) {
        return new Departments(name, tenants, departments, users, "");
    }

    String tenant(int tenant) {
        return tenants == 1 ? name : name + "-" + tenant;
    }

    int usersOfDepartment() {
        return BINDINGS * users;
    }

    /** A user as a number, of all of a tenant's. */
    String user(int department, int user) {
        return "user:u" + department + "-" + user + "@example.com";
    }

    String resource(int department, int document) {
        return "doc" + department + ":" + document;
    }

    static String action(int action) {
        return ACTIONS[action];
    }

    static String environment(int environment) {
        return ENVIRONMENTS[environment];
    }

    static int actions() {
        return ACTIONS.length;
    }

    static int environments() {
        return ENVIRONMENTS.length;
    }

    /** What the policy says of a user of this department. */
    boolean allows(int user, int action, int environment) {
        int binding = user / users;
        boolean isInScope = binding < BINDINGS - 1 || ENVIRONMENTS[environment].equals("production");
        boolean mayDo = switch (ROLES[binding]) {
            case "viewer" -> action == 0;
            case "editor" -> action <= 1;
            default -> action == 0 || action == 2;
        };
        return isInScope && mayDo;
    }

    /** The Tenant document. */
    byte[] tenantYaml(int tenant) {
        return bytes(String.format(Locale.ROOT, """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: %s}
                spec: {environments: [staging, production]%s}
                """, tenant(tenant), spec.isEmpty() ? "" : ", " + spec));
    }

    /** Its eight documents. */
    byte[] yaml(int tenant, int department) {
        StringBuilder yaml = new StringBuilder();
        String at = "metadata: {tenant: " + tenant(tenant) + ", name: ";
        document(yaml, "ResourceType", at + "doc" + department, "actions: [view, edit, approve, delete]");
        role(yaml, at, "viewer", department, "view");
        role(yaml, at, "editor", department, "view, edit");
        role(yaml, at, "approver", department, "view, approve");
        for (int binding = 0; binding < BINDINGS; binding++) {
            binding(yaml, at, binding, department);
        }
        return bytes(yaml.toString());
    }

    private void role(StringBuilder yaml, String at, String role, int department, String actions) {
        document(
                yaml,
                "Role",
                at + role + department,
                "permissions: [{resources: [doc" + department + "], actions: [" + actions + "]}]");
    }

    private void binding(StringBuilder yaml, String at, int binding, int department) {
        StringBuilder subjects = new StringBuilder();
        for (int user = binding * users; user < (binding + 1) * users; user++) {
            subjects.append(subjects.isEmpty() ? "" : ", ")
                    .append('"')
                    .append(user(department, user))
                    .append('"');
        }
        String scope = binding == BINDINGS - 1 ? ", scope: {environments: [production]}" : "";
        document(
                yaml,
                "RoleBinding",
                at + "binding" + department + "-" + binding,
                "subjects: [" + subjects + "], role: " + ROLES[binding] + department + scope);
    }

    private static void document(StringBuilder yaml, String kind, String metadata, String spec) {
        yaml.append("---\napiVersion: assize.dev/v1\nkind: ")
                .append(kind)
                .append('\n')
                .append(metadata)
                .append("}\nspec: {")
                .append(spec)
                .append("}\n");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
