package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.Obligation;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Stream;

/** Unions of obligations: none twice, by id, then type, then properties. */
public final class Obligations {

    private static final Comparator<Obligation> ORDER = Comparator.comparing(Obligation::id, Utf8Order.INSTANCE)
            .thenComparing(Obligation::type, Utf8Order.INSTANCE)
            .thenComparing(Obligation::properties, Obligations::compareProperties);

    private Obligations() {}

    /** One list in order; itself where it has none. */
    static List<Obligation> ordered(List<Obligation> obligations) {
        return obligations.size() < 2 ? obligations : sorted(obligations.stream());
    }

    /** Many lists as one in order. */
    public static List<Obligation> union(Collection<List<Obligation>> lists) {
        return sorted(lists.stream().flatMap(List::stream));
    }

    /** Two unions as one; the same object where the other adds nothing, as nearly always. */
    // To be the same is to be equal, and to find that out of others makes something.
    @SuppressWarnings("ReferenceEquality")
    static List<Obligation> union(List<Obligation> left, List<Obligation> right) {
        if (left.isEmpty()) {
            return right;
        }
        return right.isEmpty() || left == right || left.equals(right)
                ? left
                : sorted(Stream.concat(left.stream(), right.stream()));
    }

    private static List<Obligation> sorted(Stream<Obligation> obligations) {
        return obligations.distinct().sorted(ORDER).toList();
    }

    private static int compareProperties(SortedMap<String, String> left, SortedMap<String, String> right) {
        Iterator<Map.Entry<String, String>> ofLeft = left.entrySet().iterator();
        Iterator<Map.Entry<String, String>> ofRight = right.entrySet().iterator();
        while (ofLeft.hasNext() && ofRight.hasNext()) {
            int order = compareProperty(ofLeft.next(), ofRight.next());
            if (order != 0) {
                return order;
            }
        }
        return Boolean.compare(ofLeft.hasNext(), ofRight.hasNext());
    }

    private static int compareProperty(Map.Entry<String, String> left, Map.Entry<String, String> right) {
        int byName = Utf8Order.INSTANCE.compare(left.getKey(), right.getKey());
        return byName != 0 ? byName : Utf8Order.INSTANCE.compare(left.getValue(), right.getValue());
    }
}
