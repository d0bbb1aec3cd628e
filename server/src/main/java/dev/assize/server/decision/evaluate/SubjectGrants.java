package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import java.util.stream.Stream;

/**
 * The grants that a subject has by whatever names it.
 *
 * @param named by itself or by a group
 * @param ofType by a wildcard of its type
 * @param ofAnyone by the wildcard for everybody
 */
record SubjectGrants(GrantList named, GrantList ofType, GrantList ofAnyone) {

    static SubjectGrants of(DecisionGraph graph, CheckQuery query) {
        HomeDirectory home = graph.home(query.subjectTenant());
        SubjectNode node = home.find(query.subject());
        return new SubjectGrants(
                node == null ? GrantList.NONE : node.grants(home),
                home.ofType(query.subject().type()),
                home.ofAnyone());
    }

    /** How many lists there are. */
    static final int LISTS = 3;

    /** One of them. */
    GrantList list(int number) {
        return switch (number) {
            case 0 -> named;
            case 1 -> ofType;
            default -> ofAnyone;
        };
    }

    /** All, some of them more than once. */
    Stream<Grant> all() {
        return Stream.of(named, ofType, ofAnyone).flatMap(list -> list.asList().stream());
    }
}
