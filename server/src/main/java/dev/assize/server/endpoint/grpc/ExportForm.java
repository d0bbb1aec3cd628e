package dev.assize.server.endpoint.grpc;

import dev.assize.server.audit.AuditCsv;
import dev.assize.server.audit.AuditJsonLines;
import dev.assize.server.audit.RecordedEvent;

/** In what form entries are written. */
enum ExportForm {
    FRAMES,
    JSON_LINES,
    CSV;

    /** What stands before the first entry. */
    String header() {
        return this == CSV ? AuditCsv.header() : "";
    }

    String line(RecordedEvent entry) {
        return switch (this) {
            case JSON_LINES -> AuditJsonLines.line(entry);
            case CSV -> AuditCsv.line(entry);
            case FRAMES -> throw new IllegalStateException("Frames are no lines");
        };
    }
}
