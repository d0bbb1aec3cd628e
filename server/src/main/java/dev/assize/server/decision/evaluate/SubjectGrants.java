package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import java.util.stream.Stream;

/**
 * The grants that a subject has by whatever names it.
 *
 * @param direct by itself
 * @param ofGroups by a group
 * @param ofType by a wildcard of its type
 * @param ofAnyone by the wildcard for everybody
 */
record SubjectGrants(GrantList direct, GrantList ofGroups, GrantList ofType, GrantList ofAnyone) {

    static SubjectGrants of(DecisionGraph graph, CheckQuery query) {
        HomeDirectory home = graph.home(query.subjectTenant());
        SubjectNode node = home.find(query.subject());
        return new SubjectGrants(
                node == null ? GrantList.NONE : node.direct(),
                node == null ? GrantList.NONE : node.membership().grants(home),
                home.ofType().getOrDefault(query.subject().type(), GrantList.NONE),
                home.ofAnyone());
    }

    /** All, some of them more than once. */
    Stream<Grant> all() {
        return Stream.of(direct, ofGroups, ofType, ofAnyone).flatMap(list -> list.asList().stream());
    }
}
