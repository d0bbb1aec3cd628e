package dev.assize.server.administration;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What made a change.
 *
 * @param text as the manifest says it: `apply`, `freeze` and so on
 * @param once what tells a retry of the same request; null where nobody gave it a key
 * @param actor on whose behalf it is made; null for the caller's own
 * @param proposal which was accepted; null where nothing was proposed
 * @param envs the environments that its author's credential is for; empty for all
 */
public record ChangeOrigin(
        String text,
        @Nullable Once once,
        @Nullable Recorder actor,
        @Nullable Accepted proposal,
        Set<Environment> envs) {

    /** What the break-glass key changes: nobody need accept it, and what it gives to whom is seen by its record. */
    public static final String BREAK_GLASS = "break-glass";

    public static final ChangeOrigin APPLY = new ChangeOrigin("apply", null);

    /**
     * What is done though the tenant has its changes accepted: a freeze, because stopping must not wait and takes nothing
     * but rights; what the server does by itself; and that a tenant is suspended and resumed, which has permissions of its
     * own and which nobody could propose.
     */
    private static final Set<String> IMMEDIATE = Set.of("freeze", "suspend", "resume", "clean-up", BREAK_GLASS);

    public ChangeOrigin {
        envs = Set.copyOf(envs);
    }

    /** A change in all environments. */
    public ChangeOrigin(String text, @Nullable Once once, @Nullable Recorder actor, @Nullable Accepted proposal) {
        this(text, once, actor, proposal, Set.of());
    }

    /** A change that nobody proposed and that its caller makes for itself. */
    public ChangeOrigin(String text, @Nullable Once once) {
        this(text, once, null, null);
    }

    /** Whether it may be made by one alone everywhere. */
    boolean isImmediate() {
        return IMMEDIATE.contains(text);
    }

    /**
     * A request that is to be carried out once.
     *
     * @param key of the caller's
     * @param content of the request, so that another one under the same key is not taken for a retry
     * @param name of the document that the first answer named
     */
    public record Once(String key, Digest content, String name) {}

    /**
     * A proposal, and who accepted it.
     *
     * @param approvers in the order in which they did
     */
    public record Accepted(String id, Subject proposer, List<Subject> approvers) {
        public Accepted {
            approvers = List.copyOf(approvers);
        }
    }
}
