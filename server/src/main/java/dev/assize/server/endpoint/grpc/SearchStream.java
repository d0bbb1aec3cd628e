package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.SearchService;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.SearchPage;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.SearchSlots;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A search under way: the transport calls for pages when its reader has taken the last ones, so at most one page waits
 * here. Between two stretches of work it looks whether its caller is still there.
 */
final class SearchStream<R> {

    /** How long a search goes on whose caller has set no deadline, or a later one. */
    static final Duration LONGEST_SEARCH = Duration.ofSeconds(60);

    /** One stretch of work. */
    private static final Duration STRETCH = Duration.ofMillis(250);

    /** What is left of a deadline for the last page's way back. */
    private static final Duration WAY_BACK = Duration.ofMillis(50);

    private static final Duration SHORTEST = Duration.ofMillis(1);

    private final Plan plan;
    private final SearchService searches;
    private final SearchSlots slots;
    private final PageTokens tokens;
    private final Replies replies;
    private final ServerCallStreamObserver<R> stream;
    private final Function<Page, R> wire;
    private final Deadline end;

    // Callbacks of one call come one after the other: no guard is needed.
    private @Nullable String after;
    private int sent;
    private boolean over;

    SearchStream(
            Plan plan,
            SearchService searches,
            SearchSlots slots,
            PageTokens tokens,
            Replies replies,
            ServerCallStreamObserver<R> stream,
            Function<Page, R> wire) {
        this.plan = plan;
        this.searches = searches;
        this.slots = slots;
        this.tokens = tokens;
        this.replies = replies;
        this.stream = stream;
        this.wire = wire;
        this.after = plan.after();
        Deadline longest = Deadline.after(LONGEST_SEARCH.toNanos(), TimeUnit.NANOSECONDS);
        Deadline ofCall = Context.current().getDeadline();
        this.end = ofCall == null ? longest : longest.minimum(ofCall);
    }

    /** To be called while the call's handler runs; pages follow as the transport takes them. */
    void start() {
        // Without a handler of its own a cancelled call would throw at whoever writes to it.
        stream.setOnCancelHandler(() -> {});
        stream.setOnReadyHandler(this::sendWhileReady);
    }

    private void sendWhileReady() {
        try {
            while (!over && stream.isReady()) {
                send(next());
            }
        } catch (RuntimeException | Error failure) {
            over = true;
            replies.fail(stream, failure);
        }
    }

    private void send(Page page) {
        stream.onNext(wire.apply(page));
        if (over) {
            stream.onCompleted();
        }
    }

    /** A full page, or what there is when the search ends. */
    private Page next() {
        int room = plan.limit() == 0 ? plan.pageSize() : Math.min(plan.pageSize(), plan.limit() - sent);
        List<String> found = new ArrayList<>();
        Set<String> wildcards = new LinkedHashSet<>();
        boolean complete = false;
        do {
            Deadlines.requireListener();
            int left = room - found.size();
            SearchPage part = slots.run(
                    left(), () -> searches.search(plan.search(), plan.at(), after, left, min(left(), STRETCH)));
            found.addAll(part.found());
            wildcards.addAll(part.wildcards());
            complete = part.next() == null;
            after = complete ? after : part.next();
        } while (!complete && found.size() < room && hasTime());
        sent += found.size();
        boolean truncated = !complete && (sent == plan.limit() || !hasTime());
        over = complete || truncated;
        return new Page(found, List.copyOf(wildcards), complete ? "" : cursor(), truncated);
    }

    private String cursor() {
        return after == null ? "" : tokens.of(after, plan.question());
    }

    private boolean hasTime() {
        return left().compareTo(SHORTEST) > 0;
    }

    private Duration left() {
        Duration left =
                Duration.ofNanos(end.timeRemaining(TimeUnit.NANOSECONDS)).minus(WAY_BACK);
        return left.compareTo(SHORTEST) < 0 ? SHORTEST : left;
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /**
     * What is sought.
     *
     * @param limit of names in all; 0 for none
     * @param after the name behind which to go on; null to begin
     * @param question what makes the list what it is: cursors belong to it
     */
    record Plan(
            Search search,
            PointInTime at,
            int pageSize,
            int limit,
            @Nullable String after,
            byte[] question) {}

    /** What one message says. */
    record Page(List<String> found, List<String> wildcards, String cursor, boolean truncated) {}
}
