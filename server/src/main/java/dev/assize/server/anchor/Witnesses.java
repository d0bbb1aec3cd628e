package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository.CosignedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.witness.WitnessClient;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows each new checkpoint of the log of heads to the witnesses, and keeps what they sign. On a thread of its own, behind
 * the publication: no append and no round of signing ever waits for a witness.
 *
 * <p>All witnesses are shown the same checkpoint at the same time, and the next one when all have answered or run out of
 * time: so that there is one checkpoint that many have signed, rather than many that one has. One that fails is left out
 * for a while. What the last one was is kept in the database, so nodes take over from each other.
 */
public final class Witnesses implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Witnesses.class);

    /** Between two looks, where nothing is published here: other nodes do, witnesses come back, signatures age. */
    private static final Duration PAUSE = Duration.ofSeconds(5);

    private final AnchorRepository repository;
    private final WitnessConfig config;
    private final InstantSource clock;
    private final WitnessClient client;
    private final List<WitnessConversation> conversations;
    private final Semaphore published = new Semaphore(0);

    private volatile boolean closed;

    /** Guarded by this; null before the start. */
    private @Nullable Thread thread;

    @Inject
    Witnesses(AnchorRepository repository, WitnessConfig config, WitnessMetrics metrics, InstantSource clock) {
        this.repository = repository;
        this.config = config;
        this.clock = clock;
        this.client = new WitnessClient(config.timeout());
        this.conversations = config.witnesses().stream()
                .map(witness -> new WitnessConversation(witness, client, repository, metrics, clock))
                .toList();
    }

    /** Goes on showing checkpoints from now on; does nothing where there is no witness. */
    public synchronized void start() {
        if (!conversations.isEmpty() && thread == null) {
            thread = Thread.ofVirtual().name("assize-witnesses").start(this::run);
        }
    }

    /** There is a new checkpoint. */
    void published() {
        if (published.availablePermits() == 0) {
            published.release();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        published.release();
        if (thread != null) {
            // Not interrupted: it may be in the middle of a transaction, whose connection would break.
            awaitEnd(thread);
        }
        client.close();
    }

    private void awaitEnd(Thread told) {
        try {
            boolean _ = told.join(config.timeout());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (!closed) {
                tell();
                boolean _ = published.tryAcquire(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
                published.drainPermits();
            }
        } catch (InterruptedException stopped) {
            LOG.debug("No witness is told any more");
        }
    }

    private void tell() throws InterruptedException {
        try {
            round();
        } catch (RuntimeException | Error e) {
            // Whatever it was, the thread goes on: no witness would be told any more.
            LOG.warn("What witnesses signed is not kept: {}", e.getMessage());
            LOG.debug("What witnesses signed is not kept", e);
        }
    }

    /** Shows the newest checkpoint to every witness that has not signed it, and keeps what they answer. */
    void round() throws InterruptedException {
        PublishedCheckpoint newest = conversations.isEmpty()
                ? null
                : repository
                        .published(read -> read.checkpoint(OutsideCopy.META))
                        .orElse(null);
        if (newest == null) {
            return;
        }
        Map<String, CosignedCheckpoint> known = repository.published(Published::cosigned).stream()
                .collect(Collectors.toMap(CosignedCheckpoint::witness, Function.identity()));
        List<CosignedCheckpoint> signed = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Optional<CosignedCheckpoint>>> answers = new ArrayList<>();
            for (WitnessConversation conversation : conversations) {
                CosignedCheckpoint last = known.get(conversation.key());
                conversation.remember(last);
                if (conversation.isDue() && isNews(newest, last)) {
                    answers.add(executor.submit(() -> conversation.show(newest, last)));
                }
            }
            for (Future<Optional<CosignedCheckpoint>> answer : answers) {
                answer.get().ifPresent(signed::add);
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
        if (!signed.isEmpty()) {
            repository.keep(signed);
        }
    }

    private boolean isNews(PublishedCheckpoint newest, @Nullable CosignedCheckpoint last) {
        return last == null
                || last.checkpoint().incarnation() != newest.incarnation()
                || last.checkpoint().size() != newest.size()
                || last.checkpoint().signedAt().plus(config.renewal()).isBefore(clock.instant());
    }
}
