package dev.assize.server.decision.evaluate;

import java.util.SortedMap;

/**
 * The rules of one effect that cover a cell: which bound roles have one, as a set of bits, and beside it one rule for
 * each bit that is set, in their order. A role's rule stands where its bit's rank says, so that roles without one cost
 * a bit and nothing more.
 */
public final class RoleRules {

    private static final RoleRules NONE = new RoleRules(new long[0], new Rule[0]);

    private final long[] roles;
    private final Rule[] rules;

    private RoleRules(long[] roles, Rule[] rules) {
        this.roles = roles;
        this.rules = rules;
    }

    /** Rules by the index of their bound role, of {@code roleCount} roles. */
    public static RoleRules of(SortedMap<Integer, Rule> byRole, int roleCount) {
        if (byRole.isEmpty()) {
            return NONE;
        }
        long[] roles = new long[wordCount(roleCount)];
        byRole.keySet().forEach(role -> roles[role >> 6] |= 1L << role);
        return new RoleRules(roles, byRole.values().toArray(Rule[]::new));
    }

    /** How many longs a set of so many roles takes. */
    static int wordCount(int roleCount) {
        return (roleCount + Long.SIZE - 1) / Long.SIZE;
    }

    boolean areNone() {
        return rules.length == 0;
    }

    /** The first roles with a rule, as bits. */
    long first() {
        return roles.length == 0 ? 0 : roles[0];
    }

    boolean has(int role) {
        int word = role >> 6;
        return word < roles.length && (roles[word] & 1L << role) != 0;
    }

    boolean hasAnyOf(long[] others) {
        for (int i = Math.min(roles.length, others.length) - 1; i >= 0; i--) {
            if ((roles[i] & others[i]) != 0) {
                return true;
            }
        }
        return false;
    }

    /** The rule of a role that has one. */
    Rule of(int role) {
        int word = role >> 6;
        int rank = Long.bitCount(roles[word] & (1L << role) - 1);
        for (int i = 0; i < word; i++) {
            rank += Long.bitCount(roles[i]);
        }
        return rules[rank];
    }

    long weightBytes() {
        return 64 + 8L * roles.length + 4L * rules.length;
    }
}
