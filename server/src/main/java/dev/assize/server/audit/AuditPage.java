package dev.assize.server.audit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some of what is searched for, in the order asked for.
 *
 * @param entries fewer than asked for, or none, where much was looked at to find them
 * @param next the position behind which the search goes on; null where there are no others
 */
public record AuditPage(
        List<RecordedEvent> entries, @Nullable Long next) {

    public AuditPage {
        entries = List.copyOf(entries);
    }
}
