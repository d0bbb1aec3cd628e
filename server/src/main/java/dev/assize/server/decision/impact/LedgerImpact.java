package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.evaluate.Prospect.Effect;
import dev.assize.server.model.Reason;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Which decisions on record a change would turn: each request, as it is recorded, is put to the policy before and to the
 * one after, both as of now, so that what differs is what the change does and not what has passed since.
 *
 * <p>What a request brought along is not on record. One that brought attributes is asked as a question whose attributes
 * nobody knows: its answer is then certain on a side, or hangs on conditions. What the ledger and approvals would say is
 * not asked; the rules that ask them are named, and where they are the same on both sides nothing turns on them.
 *
 * @param flips the most frequent of the requests whose answer changes
 * @param flipCount requests whose answer changes
 * @param flipped decisions about them
 * @param open decisions whose answer may change: it hangs on attributes that are not on record
 * @param moved decisions that the policy before answers otherwise than is on record: it has changed since, or it was
 *     something else than policy that decided
 * @param outside decisions that rest on history or on approvals, too, before or after
 */
public record LedgerImpact(List<Flip> flips, long flipCount, long flipped, long open, long moved, long outside) {

    /** Flips that are listed. */
    public static final int MAX_FLIPS = 1_000;

    public LedgerImpact {
        flips = List.copyOf(flips);
    }

    /** A request whose answer becomes another. */
    public record Flip(Recalled request, Prospect from, Prospect to) {}

    /** Asks both. */
    public static LedgerImpact of(PolicyState before, PolicyState after, List<Recalled> requests, Instant now) {
        Side was = new Side(before);
        Side is = new Side(after);
        Side.compile(was, is, null, Set.of());
        return new Asking(was, is, now).of(requests);
    }

    /** Both sides while they are asked. */
    private static final class Asking {

        private final Side before;
        private final Side after;
        private final Instant now;
        private final List<Flip> flips = new ArrayList<>();
        private long flipped;
        private long open;
        private long moved;
        private long outside;

        Asking(Side before, Side after, Instant now) {
            this.before = before;
            this.after = after;
            this.now = now;
        }

        LedgerImpact of(List<Recalled> requests) {
            requests.forEach(this::ask);
            flips.sort(Comparator.comparingLong((Flip flip) -> -flip.request.times()));
            return new LedgerImpact(
                    flips.subList(0, Math.min(MAX_FLIPS, flips.size())), flips.size(), flipped, open, moved, outside);
        }

        private void ask(Recalled request) {
            Prospect from = ask(before, request);
            Prospect to = ask(after, request);
            moved += switch (from.effect()) {
                case ALLOW -> request.denied();
                case DENY -> request.allowed();
                case CONDITIONAL -> 0;
            };
            if (Stream.of(from, to)
                    .anyMatch(side ->
                            !side.histories().isEmpty() || !side.approvals().isEmpty())) {
                outside += request.times();
            }
            if (from.answersAs(to)) {
                return;
            }
            if (from.effect() == Effect.CONDITIONAL || to.effect() == Effect.CONDITIONAL) {
                open += request.times();
            } else {
                flips.add(new Flip(request, from, to));
                flipped += request.times();
            }
        }

        private Prospect ask(Side side, Recalled request) {
            CheckQuery query = request.query();
            Delegator delegator = query.onBehalfOf();
            Prospect own = side.recall(query, request.attributed(), now);
            return delegator == null || own.effect() == Effect.DENY
                    ? own
                    : both(own, side.recall(query.of(delegator), request.attributed(), now));
        }

        /** Both must be allowed. */
        private static Prospect both(Prospect own, Prospect delegator) {
            if (delegator.effect() == Effect.DENY) {
                return new Prospect(
                        Effect.DENY,
                        Reason.DELEGATOR_DENIED,
                        delegator.decidedBy(),
                        new TreeMap<>(),
                        new TreeMap<>(),
                        List.of(),
                        List.of());
            }
            boolean certain = own.effect() == Effect.ALLOW && delegator.effect() == Effect.ALLOW;
            return new Prospect(
                    certain ? Effect.ALLOW : Effect.CONDITIONAL,
                    certain ? own.reason() : null,
                    certain ? own.decidedBy() : null,
                    joined(own.allowsIf(), delegator.allowsIf()),
                    joined(own.deniesIf(), delegator.deniesIf()),
                    Stream.concat(own.histories().stream(), delegator.histories().stream())
                            .distinct()
                            .toList(),
                    Stream.concat(own.approvals().stream(), delegator.approvals().stream())
                            .distinct()
                            .toList());
        }

        private static SortedMap<String, String> joined(
                SortedMap<String, String> one, SortedMap<String, String> other) {
            SortedMap<String, String> all = new TreeMap<>(one);
            other.forEach((key, text) -> all.put("delegator " + key, text));
            return all;
        }
    }
}
