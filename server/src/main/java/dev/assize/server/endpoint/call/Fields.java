package dev.assize.server.endpoint.call;

import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Names;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads fields of requests; what is malformed is refused by the field's name. */
public final class Fields {

    public static final int DEFAULT_PAGE = 100;

    private static final int MAX_NANOS = 999_999_999;

    private Fields() {}

    /** A value of its form. */
    public static <T> T read(String field, String text, Function<String, T> form) {
        try {
            return form.apply(text);
        } catch (MalformedException e) {
            throw RefusedException.invalid(field, e);
        }
    }

    /** The same where an empty text stands for nothing. */
    public static <T> @Nullable T readOptional(String field, String text, Function<String, T> form) {
        return text.isEmpty() ? null : read(field, text, form);
    }

    /** A tenant's scope, or the platform where the text is empty. */
    public static PolicyScope scope(String field, String tenant) {
        return tenant.isEmpty() ? PolicyScope.PLATFORM : PolicyScope.of(read(field, tenant, TenantId::new));
    }

    /** Text of a bounded length without control characters; null where empty. */
    public static @Nullable String text(String field, String text, int maxBytes) {
        if (text.isEmpty()) {
            return null;
        }
        if (Names.utf8Length(text) > maxBytes || !Names.isClean(text)) {
            throw RefusedException.invalid(field, text, "at most " + maxBytes + " bytes without control characters");
        }
        return text;
    }

    /** That nothing was said which this version cannot read: to overlook it could be to overlook a restriction. */
    public static void requireKnown(String field, Message message) {
        if (!message.getUnknownFields().asMap().isEmpty()) {
            throw RefusedException.invalid(
                    field,
                    "fields " + message.getUnknownFields().asMap().keySet(),
                    "the fields of `" + message.getDescriptorForType().getFullName()
                            + "` that this version of the server knows");
        }
    }

    public static int pageSize(int size) {
        if (size < 0 || size > Limits.PAGE_ITEMS) {
            throw RefusedException.invalid(
                    "page_size", Integer.toString(size), "1 to " + Limits.PAGE_ITEMS + ", or 0 for " + DEFAULT_PAGE);
        }
        return size == 0 ? DEFAULT_PAGE : size;
    }

    public static Instant instant(String field, Timestamp timestamp) {
        long seconds = timestamp.getSeconds();
        int nanos = timestamp.getNanos();
        if (!Calendar.holds(seconds) || nanos < 0 || nanos > MAX_NANOS) {
            throw RefusedException.invalid(
                    field, seconds + " s, " + nanos + " ns", "a timestamp of the years 1 to 9999");
        }
        return Instant.ofEpochSecond(seconds, nanos);
    }

    public static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder()
                .setSeconds(instant.getEpochSecond())
                .setNanos(instant.getNano())
                .build();
    }
}
