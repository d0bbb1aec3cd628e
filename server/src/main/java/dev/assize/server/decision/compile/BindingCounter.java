package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.BindingCounts;
import dev.assize.server.policy.Document.RoleBindingDocument;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Counts what bindings give, and numbers their roles as they come: a number, once given, stays. */
final class BindingCounter {

    /** So many numbers may be without use before they are all given anew. */
    private static final int WASTE = 64;

    private final BindingCounts base;
    private Map<String, Integer> roleNumbers;
    private int[] uses;
    private int conditional;

    BindingCounter(BindingCounts base) {
        this.base = base;
        this.roleNumbers = base.roleNumbers();
        this.uses = base.uses().clone();
        this.conditional = base.conditional();
    }

    static BindingCounter ofNone() {
        return new BindingCounter(new BindingCounts(Map.of(), new int[0], 0));
    }

    void add(RoleBindingDocument binding) {
        Integer number = roleNumbers.get(binding.role());
        if (number == null) {
            number = newNumber(binding.role());
        }
        uses[number]++;
        conditional += binding.when() == null ? 0 : 1;
    }

    void remove(RoleBindingDocument binding) {
        Integer number = roleNumbers.get(binding.role());
        if (number == null) {
            throw new IllegalArgumentException("No role `" + binding.role() + "` was bound");
        }
        uses[number]--;
        conditional -= binding.when() == null ? 0 : 1;
    }

    /** Whether roles were numbered that had no number. */
    boolean hasNewRoles() {
        return roleNumbers.size() > base.roleNumbers().size();
    }

    /** Whether most numbers are of roles that nobody has any more. */
    boolean isWasteful() {
        long unused = Arrays.stream(uses, 0, roleNumbers.size())
                .filter(count -> count == 0)
                .count();
        return unused > WASTE && unused > roleNumbers.size() / 2;
    }

    BindingCounts counts() {
        return new BindingCounts(roleNumbers, Arrays.copyOf(uses, roleNumbers.size()), conditional);
    }

    /** The base's map is read by others. */
    private Integer newNumber(String role) {
        if (!hasNewRoles()) {
            roleNumbers = new HashMap<>(roleNumbers);
        }
        Integer number = roleNumbers.size();
        roleNumbers.put(role, number);
        if (number == uses.length) {
            uses = Arrays.copyOf(uses, 2 * number + 4);
        }
        return number;
    }
}
