package dev.assize.server.audit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.AbstractMap;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Query columns as bytes within a row that the store sent, or within a frame. They become texts only when somebody reads one;
 * verification compares bytes with bytes, and bytes of a frame are what is stored.
 */
@SuppressWarnings("JdkObsolete") // A stored entry's columns are a SortedMap, and no more is asked of them.
public final class RawColumns extends AbstractMap<String, String> implements SortedMap<String, String> {

    /** The columns that are texts, in the order of their places. */
    public static final List<String> TEXTS = List.of(
            AuditColumns.RECORDED_BY,
            AuditColumns.RECORDED_BY_TENANT,
            AuditColumns.TYPE,
            AuditColumns.CATEGORY,
            AuditColumns.ACTOR,
            AuditColumns.ROLE,
            AuditColumns.ACTION,
            AuditColumns.RESOURCE,
            AuditColumns.ENV,
            AuditColumns.RUN_ID,
            AuditColumns.DECISION_ID,
            AuditColumns.LINEAGE);

    final byte[] row;
    final long recordedAtMicros;
    final @Nullable Long outcome;
    final @Nullable Long occurredAt;

    /** Of each text; the length of one that is null is negative. */
    final int[] offsets;

    final int[] lengths;

    private @Nullable SortedMap<String, String> texts;

    /** Takes the arrays as they are. */
    public RawColumns(
            byte[] row,
            long recordedAtMicros,
            @Nullable Long outcome,
            @Nullable Long occurredAt,
            int[] offsets,
            int[] lengths) {
        this.row = row;
        this.recordedAtMicros = recordedAtMicros;
        this.outcome = outcome;
        this.occurredAt = occurredAt;
        this.offsets = offsets;
        this.lengths = lengths;
    }

    public @Nullable Long outcome() {
        return outcome;
    }

    public @Nullable Long occurredAt() {
        return occurredAt;
    }

    /** A text's bytes in UTF-8, by its place in {@link #TEXTS}; null where the column is. */
    public @Nullable ByteBuffer bytes(int place) {
        return lengths[place] < 0 ? null : ByteBuffer.wrap(row, offsets[place], lengths[place]);
    }

    /** Whether no text is longer than so many bytes, and none has a zero. */
    public boolean areTextsWithin(int maxBytes) {
        for (int place = 0; place < lengths.length; place++) {
            int end = offsets[place] + lengths[place];
            if (lengths[place] > maxBytes) {
                return false;
            }
            for (int i = offsets[place]; i < end; i++) {
                if (row[i] == 0) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public Set<Map.Entry<String, String>> entrySet() {
        return texts().entrySet();
    }

    @Override
    public @Nullable Comparator<? super String> comparator() {
        return null;
    }

    @Override
    public SortedMap<String, String> subMap(String from, String to) {
        return texts().subMap(from, to);
    }

    @Override
    public SortedMap<String, String> headMap(String to) {
        return texts().headMap(to);
    }

    @Override
    public SortedMap<String, String> tailMap(String from) {
        return texts().tailMap(from);
    }

    @Override
    public String firstKey() {
        return texts().firstKey();
    }

    @Override
    public String lastKey() {
        return texts().lastKey();
    }

    @Override
    public @Nullable String get(@Nullable Object name) {
        int place = TEXTS.indexOf(name);
        return place < 0 ? texts().get(name) : text(place);
    }

    @Nullable
    String lineage() {
        return text(TEXTS.size() - 1);
    }

    private @Nullable String text(int place) {
        return lengths[place] < 0 ? null : new String(row, offsets[place], lengths[place], UTF_8);
    }

    private SortedMap<String, String> texts() {
        SortedMap<String, String> made = texts;
        if (made == null) {
            made = new TreeMap<>();
            put(made, AuditColumns.RECORDED_AT, recordedAtMicros);
            put(made, AuditColumns.OUTCOME, outcome);
            put(made, AuditColumns.OCCURRED_AT, occurredAt);
            for (int place = 0; place < TEXTS.size(); place++) {
                put(made, TEXTS.get(place), text(place));
            }
            texts = made;
        }
        return made;
    }

    private static void put(SortedMap<String, String> columns, String name, @Nullable Object value) {
        if (value != null) {
            columns.put(name, value.toString());
        }
    }
}
