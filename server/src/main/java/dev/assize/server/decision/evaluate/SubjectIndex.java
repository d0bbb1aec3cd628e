package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The grants of the subjects of one home tenant. A hash table with open addressing and linear probing, at most half
 * full: a look-up reads the hashes in a row and touches a key only where its whole hash is equal, and then compares it
 * exactly, so that no collision answers for another subject. Wildcards are kept apart, or each would be repeated at
 * every subject.
 */
public final class SubjectIndex {

    private final int[] hashes;
    private final @Nullable Subject[] keys;
    private final @Nullable GrantList[] values;
    private final Map<String, GrantList> wildcardsByType;
    private final @Nullable GrantList wildcards;

    /**
     * An index.
     *
     * @param named what names each subject, by itself or by a group
     * @param wildcardsByType for types that a wildcard names, what holds for all of that type and for everybody
     * @param wildcards what holds for everybody
     */
    public SubjectIndex(
            Map<Subject, GrantList> named, Map<String, GrantList> wildcardsByType, @Nullable GrantList wildcards) {
        int capacity = Integer.highestOneBit(Math.max(1, named.size())) << 2;
        this.hashes = new int[capacity];
        this.keys = new Subject[capacity];
        this.values = new GrantList[capacity];
        this.wildcardsByType = Map.copyOf(wildcardsByType);
        this.wildcards = wildcards;
        named.forEach(this::put);
    }

    /** What names the subject, by itself or by a group; null where nothing does. */
    @Nullable
    GrantList naming(Subject subject) {
        int hash = hash(subject);
        int mask = hashes.length - 1;
        for (int slot = hash & mask; ; slot = slot + 1 & mask) {
            Subject key = hashes[slot] == hash ? keys[slot] : null;
            if (key != null && key.id().equals(subject.id()) && key.type().equals(subject.type())) {
                return values[slot];
            }
            if (hashes[slot] == 0) {
                return null;
            }
        }
    }

    /** What holds for all subjects of the type; null where nothing does. */
    @Nullable
    GrantList wildcards(String type) {
        GrantList ofType = wildcardsByType.isEmpty() ? null : wildcardsByType.get(type);
        return ofType == null ? wildcards : ofType;
    }

    long weightBytes() {
        long subjects = 0;
        for (Subject key : keys) {
            subjects += key == null ? 0 : 24;
        }
        return 120 + 12L * hashes.length + subjects + 80L * wildcardsByType.size();
    }

    private void put(Subject subject, GrantList grants) {
        int hash = hash(subject);
        int mask = hashes.length - 1;
        int slot = hash & mask;
        while (hashes[slot] != 0) {
            slot = slot + 1 & mask;
        }
        hashes[slot] = hash;
        keys[slot] = subject;
        values[slot] = grants;
    }

    /** Spread, because the slot is taken from the low bits; never 0, which marks an empty slot. */
    private static int hash(Subject subject) {
        int mixed = (subject.type().hashCode() * 31 + subject.id().hashCode()) * 0x9E3779B9;
        int spread = mixed ^ mixed >>> 15;
        return spread == 0 ? 1 : spread;
    }
}
