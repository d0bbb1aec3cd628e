package dev.assize.server.lineage;

import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds what entries list as read and written. Blocks. Entries never change, so that no two calls need one moment. */
public interface LineageIndex {

    /** The last position that was recorded by then; empty where there is none. */
    Optional<Long> lastSeq(TenantId tenant, @Nullable Instant asOf);

    /** Entries that list a record, newest first, whatever their outcome. */
    List<Access> accesses(Scope scope, String uri, int limit);

    /** For each record the newest entries that succeeded and list it so: at most so many for each. */
    List<Touch> touches(Scope scope, Kind kind, List<String> uris, int limitEach);

    /** For each span, by its index, what entries in it list so that succeeded: newest first, at most so many for each. */
    List<Found> within(Scope scope, Kind kind, List<Span> spans, int limitEach);

    /** How an entry lists a record. */
    enum Kind {
        READ,
        WRITTEN
    }

    /**
     * Which entries count.
     *
     * @param envs any of these; empty for all
     * @param toSeq the last position, included
     */
    record Scope(TenantId tenant, Set<Environment> envs, long toSeq) {

        public Scope {
            envs = Set.copyOf(envs);
        }
    }

    /**
     * An entry that lists a record.
     *
     * @param runId null where it belongs to none
     */
    record Touch(String uri, long seq, @Nullable String runId) {}

    /** Entries of a run between two positions, both included; where the run is null, of the first alone. */
    record Span(@Nullable String runId, long fromSeq, long toSeq) {}

    /** A record listed within the span of that index. */
    record Found(int span, String uri, long seq) {}

    /** An entry that lists a record, with what one wants to know of it. */
    record Access(
            long seq,
            Instant recordedAt,
            boolean read,
            boolean written,
            String type,
            String actor,
            String action,
            String resource,
            String env,
            Outcome outcome,
            @Nullable String runId) {}
}
