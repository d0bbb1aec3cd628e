package dev.assize.server.policy;

import dev.assize.server.model.Calendar;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Names;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The forms that strings in documents have, each as a function that refuses what is not of it. */
public final class Forms {

    /** Bytes of a free text: a binding's reason, a property of an obligation, a label's value. */
    public static final int TEXT_BYTES = 1_024;

    /** Labels of a document, properties of an obligation. */
    public static final int MAX_ENTRIES = 64;

    /** Approvals that a rule may ask for. */
    public static final int MAX_APPROVALS = 100;

    /** The longest that a request for approval may wait, or an approval hold. */
    public static final Duration MAX_DURATION = Duration.ofDays(366);

    /** The longest that entries of a ledger can be asked to be kept; without a retention they are kept for ever. */
    public static final Duration MAX_RETENTION = Duration.ofDays(36_525);

    static final String DURATION_EXPECTED =
            "a duration such as `15m`, `1h30m` or `7d`, more than nothing and at most " + MAX_DURATION.toDays() + "d";
    private static final String RETENTION_EXPECTED =
            "a duration such as `365d`, more than nothing and at most " + MAX_RETENTION.toDays() + "d";
    static final String NAME_EXPECTED = "a name, `[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}`";
    static final String TYPE_EXPECTED = "a type, `[a-z][a-z0-9_-]{0,31}`";
    static final String TIME_EXPECTED = "an RFC 3339 time such as `2026-01-31T08:00:00Z`";
    private static final String KEY_EXPECTED = "a key, `[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}`";
    private static final String TEXT_EXPECTED =
            "a text of 1 to " + TEXT_BYTES + " bytes without control characters but line breaks and tabs";
    private static final String PATTERN_EXPECTED =
            "a subject or group such as `user:alice` or `group:noc`, or `user:*`, or `*`";
    private static final String MEMBER_EXPECTED = "a subject or group; `*` is for bindings only";
    private static final String CONDITION_EXPECTED =
            "a condition in CEL, without control characters but line breaks and tabs";
    private static final String SUBJECT_EXPECTED = "a subject such as `user:alice`, and no group";
    private static final String FROZEN_EXPECTED = "a subject or group such as `user:alice` or `group:noc`";
    private static final String APPROVER_TYPE_EXPECTED = "a type of subjects, `[a-z][a-z0-9_-]{0,31}`, and not `group`";
    private static final String FROZEN_PATH_EXPECTED =
            "a resource path whose segments all have ids; for a type there is `resourceType`";
    private static final String COVERING_PATH_EXPECTED =
            "a resource path whose segments all have ids; for types there is `resourceTypes`";

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}");
    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}");
    private static final Pattern DURATION =
            Pattern.compile("(?:(\\d{1,9})d)?(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,9})s)?");
    private static final Pattern TIME =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)");

    private Forms() {}

    /** The name of a role, a binding or a group, and of what keeps a document. */
    public static String name(String text) {
        return matching(NAME, text, NAME_EXPECTED);
    }

    /** A resource type. */
    public static String type(String text) {
        if (!Names.isType(text)) {
            throw new MalformedException(text, TYPE_EXPECTED);
        }
        return text;
    }

    /** The key of a label, an obligation or a property. */
    public static String key(String text) {
        return matching(KEY, text, KEY_EXPECTED);
    }

    /** A text for people. */
    public static String text(String text) {
        if (text.isEmpty() || !isProse(text) || Names.utf8Length(text) > TEXT_BYTES) {
            throw new MalformedException(text, TEXT_EXPECTED);
        }
        return text;
    }

    /** A time with its offset. */
    public static Instant time(String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        if (!TIME.matcher(upper).matches()) {
            throw new MalformedException(text, TIME_EXPECTED);
        }
        try {
            Instant time = OffsetDateTime.parse(upper)
                    .withOffsetSameInstant(ZoneOffset.UTC)
                    .toInstant();
            if (!Calendar.holds(time)) {
                throw new MalformedException(text, TIME_EXPECTED);
            }
            return time;
        } catch (DateTimeParseException e) {
            throw new MalformedException(text, TIME_EXPECTED);
        }
    }

    /** A condition, which is judged by the set it joins. */
    static String condition(String text) {
        if (text.isBlank() || !isProse(text)) {
            throw new MalformedException(text, CONDITION_EXPECTED);
        }
        return text;
    }

    /** The name of an attribute, and of an entry in a map of them. */
    static String attributeName(String text) {
        if (text.isEmpty() || !Names.isClean(text) || Names.utf8Length(text) > Limits.ID_BYTES) {
            throw new MalformedException(
                    text, "a name of 1 to " + Limits.ID_BYTES + " bytes without control characters");
        }
        return text;
    }

    /** Days, hours, minutes and seconds. */
    static Duration duration(String text) {
        return duration(text, MAX_DURATION, DURATION_EXPECTED);
    }

    /** How long entries of a ledger are kept. */
    static Duration retention(String text) {
        return duration(text, MAX_RETENTION, RETENTION_EXPECTED);
    }

    private static Duration duration(String text, Duration max, String expected) {
        Matcher matcher = DURATION.matcher(text);
        if (text.isEmpty() || !matcher.matches()) {
            throw new MalformedException(text, expected);
        }
        Duration duration = Duration.ofDays(number(matcher.group(1)))
                .plusHours(number(matcher.group(2)))
                .plusMinutes(number(matcher.group(3)))
                .plusSeconds(number(matcher.group(4)));
        if (duration.isZero() || duration.compareTo(max) > 0) {
            throw new MalformedException(text, expected);
        }
        return duration;
    }

    private static long number(@Nullable String digits) {
        return digits == null ? 0 : Long.parseLong(digits);
    }

    /** The inverse of {@link #duration}. */
    static String written(Duration duration) {
        return part(duration.toDays(), "d")
                + part(duration.toHoursPart(), "h")
                + part(duration.toMinutesPart(), "m")
                + part(duration.toSecondsPart(), "s");
    }

    private static String part(long count, String unit) {
        return count == 0 ? "" : count + unit;
    }

    /** The subject that a document describes. */
    static Subject describedSubject(String text) {
        Subject subject = text.endsWith(":*") ? null : Subject.parse(text);
        if (subject == null || subject.isGroup()) {
            throw new MalformedException(text, SUBJECT_EXPECTED);
        }
        return subject;
    }

    /** Whom a freeze stops. */
    static Subject frozenSubject(String text) {
        if (text.equals("*") || text.endsWith(":*")) {
            throw new MalformedException(text, FROZEN_EXPECTED);
        }
        return Subject.parse(text);
    }

    /** A type of subjects that approve. */
    static String approverType(String text) {
        if (!Names.isType(text) || text.equals(Subject.GROUP_TYPE)) {
            throw new MalformedException(text, APPROVER_TYPE_EXPECTED);
        }
        return text;
    }

    /** A run, as requests name it. */
    static String run(String text) {
        return attributeName(text);
    }

    /** A time with its offset; empty for anything else. */
    static Optional<Instant> timeIfAny(String text) {
        try {
            return Optional.of(time(text));
        } catch (MalformedException e) {
            return Optional.empty();
        }
    }

    /** Whom a binding names. */
    static SubjectPattern pattern(String text) {
        if (text.equals("*")) {
            return new SubjectPattern.Anyone();
        }
        if (text.endsWith(":*") && Names.isType(text.substring(0, text.length() - 2))) {
            String type = text.substring(0, text.length() - 2);
            if (type.equals(Subject.GROUP_TYPE)) {
                throw new MalformedException(text, PATTERN_EXPECTED);
            }
            return new SubjectPattern.AnyOfType(type);
        }
        return new SubjectPattern.Named(Subject.parse(text));
    }

    /** Whom a group contains. */
    static Subject member(String text) {
        if (text.equals("*") || text.endsWith(":*")) {
            throw new MalformedException(text, MEMBER_EXPECTED);
        }
        return Subject.parse(text);
    }

    /** A path that a scope covers, with all that lies under it. */
    static ResourcePath coveringPath(String text) {
        return pathWithIds(text, COVERING_PATH_EXPECTED);
    }

    /** A path that a freeze stops, with all that lies under it. */
    static ResourcePath frozenPath(String text) {
        return pathWithIds(text, FROZEN_PATH_EXPECTED);
    }

    private static ResourcePath pathWithIds(String text, String expected) {
        if (text.equals("*")) {
            throw new MalformedException(text, expected);
        }
        ResourcePath path = ResourcePath.parse(text);
        if (path.wholeType()) {
            throw new MalformedException(text, expected);
        }
        return path;
    }

    private static boolean isProse(String text) {
        return text.codePoints().allMatch(c -> c == '\n' || c == '\t' || !Names.isForbidden(c));
    }

    private static String matching(Pattern pattern, String text, String expected) {
        if (!pattern.matcher(text).matches()) {
            throw new MalformedException(text, expected);
        }
        return text;
    }
}
