package dev.assize.server.storage.s3;

import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.Digest;
import dev.assize.server.storage.s3.S3Objects.Condition;
import dev.assize.server.storage.s3.S3Objects.Lock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bucket of a store that speaks S3. An object is created by one conditional PUT with its SHA-256, so it is there whole or
 * not at all, and locked there for as long as it must stay. The store is asked whether it is: there are some that take a lock
 * and keep none, or have written the object when they answer that its bucket has no locks.
 */
public final class S3ArchiveStore implements ArchiveStore, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(S3ArchiveStore.class);

    private final S3Place place;
    private final @Nullable LockMode lock;
    private final S3Objects objects;

    /**
     * An archive in that place; nothing is reached yet.
     *
     * @param lock how objects are locked; null for a bucket without Object Lock
     */
    public S3ArchiveStore(S3Place place, @Nullable LockMode lock) {
        this.place = place;
        this.lock = lock;
        this.objects = new S3Objects(place);
    }

    @Override
    public boolean create(String name, Path content, Instant retainUntil) {
        Digest hash;
        try {
            hash = hash(content);
        } catch (IOException e) {
            throw new ArchiveUnavailableException("cannot read " + content + ": " + e.getMessage(), e);
        }
        boolean created = call(() -> objects.put(
                        name, content, hash, new Condition.Absent(), lock == null ? null : new Lock(lock, retainUntil))
                .isPresent());
        if (lock != null) {
            if (!created) {
                lockLonger(name, lock, retainUntil);
            }
            requireLocked(name, lock, retainUntil);
        }
        return created;
    }

    /**
     * One that is there already was locked when it was created, for as long as was wanted then; not at all where none was wanted
     * then.
     */
    private void lockLonger(String name, LockMode mode, Instant until) {
        Optional<Lock> found = call(() -> objects.lock(name));
        if (found.isEmpty()) {
            lockIfPossible(name, new Lock(mode, until));
        } else if (found.get().until().isBefore(until.truncatedTo(ChronoUnit.SECONDS))) {
            lock(name, new Lock(found.get().mode(), until));
        }
    }

    /** A bucket without locks refuses that; what it lacks is said by who looks for the lock. */
    private void lockIfPossible(String name, Lock wanted) {
        try {
            lock(name, wanted);
        } catch (ArchiveUnavailableException e) {
            LOG.debug("{} cannot be locked", name, e);
        }
    }

    private void lock(String name, Lock wanted) {
        boolean _ = call(() -> {
            objects.lock(name, wanted);
            return true;
        });
    }

    private void requireLocked(String name, LockMode mode, Instant until) {
        Optional<Lock> found = call(() -> objects.lock(name));
        boolean locked = found.filter(it -> it.mode() == mode || it.mode() == LockMode.COMPLIANCE)
                // To the second: stores keep no more of it.
                .filter(it -> !it.until().isBefore(until.truncatedTo(ChronoUnit.SECONDS)))
                .isPresent();
        if (!locked) {
            throw new ArchiveUnavailableException(
                    "the store does not say that " + name + " in " + place + " is locked as it should be ("
                            + mode.name().toLowerCase(Locale.ROOT) + "), but "
                            + found.map(it -> it.mode().name().toLowerCase(Locale.ROOT) + " until " + it.until())
                                    .orElse("nothing of a lock")
                            + ": expected a bucket that was made with Object Lock, and an account that has"
                            + " s3:GetObjectRetention there",
                    null);
        }
    }

    @Override
    public Optional<InputStream> read(String name) {
        return call(() -> objects.open(name));
    }

    @Override
    public String describe() {
        return place.toString();
    }

    @Override
    public void close() {
        objects.close();
    }

    private static Digest hash(Path content) throws IOException {
        try (InputStream in = Files.newInputStream(content)) {
            return Digest.sha256(in);
        }
    }

    private static <T> T call(Supplier<T> call) {
        try {
            return call.get();
        } catch (S3UnavailableException e) {
            throw new ArchiveUnavailableException(String.valueOf(e.getMessage()), e);
        }
    }
}
