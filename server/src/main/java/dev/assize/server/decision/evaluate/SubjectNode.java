package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.List;

/** What the policy says of one subject, or of one group: the grants that name it, and the groups it is a member of. */
public final class SubjectNode {

    private final byte[] name;
    private final GrantList direct;
    private final Membership membership;
    private final Subject subject;
    private final boolean documented;

    /**
     * A node.
     *
     * @param groups of which it is a member itself
     * @param documented whether a document tells its attributes
     */
    public SubjectNode(Subject subject, GrantList direct, List<String> groups, boolean documented) {
        this(subject, direct, groups.isEmpty() ? Membership.NONE : new Membership(groups), documented);
    }

    /** A node that is a member of the same groups as others are. */
    public SubjectNode(Subject subject, GrantList direct, Membership membership, boolean documented) {
        this.name = NameTable.utf8(subject.toString());
        this.direct = direct;
        this.membership = membership;
        this.subject = subject;
        this.documented = documented;
    }

    public Subject subject() {
        return subject;
    }

    /** The subject as UTF-8. */
    byte[] name() {
        return name;
    }

    /** What names it, and not one of its groups. */
    public GrantList direct() {
        return direct;
    }

    public Membership membership() {
        return membership;
    }

    public boolean isDocumented() {
        return documented;
    }

    /** Whether nothing is said of it. */
    public boolean isEmpty() {
        return direct.size() == 0 && membership.groups().isEmpty() && !documented;
    }

    /** An estimate of its heap, and of its place in a table and an order of names. */
    public long weightBytes() {
        return 32 + (16 + 7 + name.length & ~7) + 20 + direct.weightBytes() + membership.weightBytes();
    }
}
