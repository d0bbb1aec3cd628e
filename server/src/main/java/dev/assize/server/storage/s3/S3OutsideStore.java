package dev.assize.server.storage.s3;

import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.storage.s3.S3Objects.Condition;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A bucket of a store that speaks S3, and makes a PUT with `If-Match` or `If-None-Match` one step. A store that takes such
 * a PUT whatever the condition would let two nodes overwrite each other; so it is tried first, and refused.
 */
public final class S3OutsideStore implements OutsideStore, AutoCloseable {

    private static final String PROBE = "conditional-put";
    private static final Condition NO_SUCH_TAG = new Condition.Tagged("\"00000000000000000000000000000000\"");

    private final S3Place place;
    private final S3Objects objects;

    /** Whether the store has shown that it honours conditions. */
    private volatile boolean proven;

    /** A store in that place; nothing is reached yet. */
    public S3OutsideStore(S3Place place) {
        this.place = place;
        this.objects = new S3Objects(place);
    }

    @Override
    public Optional<Versioned> read(String name) {
        return call(() -> objects.get(name).map(it -> new Versioned(it.tag(), it.content())));
    }

    @Override
    public void put(String name, byte[] content) {
        boolean there =
                call(() -> objects.put(name, content, new Condition.Absent()).isPresent()
                        || objects.get(name).isPresent());
        if (!there) {
            throw new OutsideUnavailableException(
                    "cannot write " + name + " in " + place + ": it was refused, and there is none", null);
        }
    }

    @Override
    public Optional<String> replace(String name, @Nullable String version, byte[] content) {
        requireConditions();
        Condition condition = version == null ? new Condition.Absent() : new Condition.Tagged(version);
        return call(() -> objects.put(name, content, condition));
    }

    @Override
    public void remove(String name) {
        call(() -> {
            objects.delete(name);
            return true;
        });
    }

    @Override
    public String describe() {
        return place.toString();
    }

    @Override
    public void close() {
        objects.close();
    }

    private void requireConditions() {
        if (proven) {
            return;
        }
        byte[] nothing = new byte[0];
        boolean honoured = call(() -> {
            Optional<String> first = objects.put(PROBE, nothing, new Condition.Absent());
            return (first.isEmpty()
                            || objects.put(PROBE, nothing, new Condition.Absent())
                                    .isEmpty())
                    && objects.put(PROBE, nothing, NO_SUCH_TAG).isEmpty();
        });
        if (!honoured) {
            throw new OutsideUnavailableException(
                    "cannot use " + place + ": the store takes a PUT whatever its If-Match and If-None-Match say",
                    null);
        }
        proven = true;
    }

    private static <T> T call(Supplier<T> call) {
        try {
            return call.get();
        } catch (S3UnavailableException e) {
            throw new OutsideUnavailableException(String.valueOf(e.getMessage()), e);
        }
    }
}
