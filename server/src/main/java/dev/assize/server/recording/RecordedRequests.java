package dev.assize.server.recording;

import com.google.inject.Inject;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.impact.Recalled;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionFilter.Place;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The requests that decisions on record answered, the newest first, each with how often. Blocks. */
public final class RecordedRequests {

    /** Decisions that are read at most. */
    public static final int MAX_DECISIONS = 100_000;

    /** Different requests that are kept at most. */
    public static final int MAX_REQUESTS = 20_000;

    private static final int PAGE = 1_000;

    private final DecisionStore store;

    @Inject
    public RecordedRequests(DecisionStore store) {
        this.store = store;
    }

    /**
     * What was read.
     *
     * @param decisions how many
     * @param complete whether nothing of the period is left out
     * @param unreadable decisions whose names this version does not take
     */
    public record Read(List<Recalled> requests, long decisions, boolean complete, long unreadable) {}

    /**
     * Reads the decisions made from a moment on.
     *
     * @param envs any of these; empty for all
     */
    public Read read(TenantId tenant, Instant from, Set<Environment> envs) {
        Gathering gathering = new Gathering(tenant);
        Place after = null;
        boolean more = true;
        while (more && gathering.hasRoom()) {
            List<RecordedDecision> page = store.find(tenant, filter(from, envs, after));
            for (RecordedDecision decision : page) {
                if (gathering.hasRoom()) {
                    gathering.add(decision.content());
                    after = new Place(decision.seq(), decision.position());
                }
            }
            more = page.size() == PAGE;
        }
        boolean complete = store.find(tenant, filter(from, envs, after)).isEmpty();
        return new Read(
                gathering.requests.values().stream().map(Counted::recalled).toList(),
                gathering.decisions,
                complete,
                gathering.unreadable);
    }

    private static DecisionFilter filter(Instant from, Set<Environment> envs, @Nullable Place after) {
        return new DecisionFilter(from, null, null, null, null, null, null, null, envs, false, after, PAGE);
    }

    /** What is kept while pages come. */
    private static final class Gathering {

        final Map<List<Object>, Counted> requests = new LinkedHashMap<>();
        private final TenantId tenant;
        private long decisions;
        private long unreadable;

        Gathering(TenantId tenant) {
            this.tenant = tenant;
        }

        boolean hasRoom() {
            return decisions < MAX_DECISIONS && requests.size() < MAX_REQUESTS;
        }

        void add(DecisionRecord record) {
            decisions++;
            boolean attributed = record.attributesDigest().length > 0;
            Optional<CheckQuery> query = query(record);
            if (query.isEmpty()) {
                unreadable++;
                return;
            }
            Counted counted = requests.computeIfAbsent(
                    List.of(query.get(), attributed), _ -> new Counted(query.get(), attributed, record.decisionId()));
            if (record.reason().isAllow()) {
                counted.allowed++;
            } else {
                counted.denied++;
            }
        }

        private Optional<CheckQuery> query(DecisionRecord record) {
            try {
                String delegator = record.onBehalfOf();
                String home = record.onBehalfOfTenant();
                return Optional.of(new CheckQuery(
                        Subject.parse(record.subject()),
                        ResourcePath.parse(record.resource()),
                        new Action(record.action()),
                        tenant,
                        new Environment(record.env()),
                        new TenantId(record.subjectTenant()),
                        Map.of(),
                        Map.of(),
                        Map.of(),
                        new ArrayList<>(record.activeRoles()),
                        delegator == null || home == null
                                ? null
                                : new Delegator(Subject.parse(delegator), new TenantId(home)),
                        record.runId()));
            } catch (MalformedException other) {
                return Optional.empty();
            }
        }
    }

    /** A request while it is counted. */
    private static final class Counted {

        private final CheckQuery query;
        private final boolean attributed;
        private final String lastId;
        private long allowed;
        private long denied;

        Counted(CheckQuery query, boolean attributed, String lastId) {
            this.query = query;
            this.attributed = attributed;
            this.lastId = lastId;
        }

        Recalled recalled() {
            return new Recalled(query, attributed, allowed, denied, lastId);
        }
    }
}
