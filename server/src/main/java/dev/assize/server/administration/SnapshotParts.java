package dev.assize.server.administration;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.StoredDocument;
import dev.assize.server.policy.replay.PolicyEntry;
import java.util.List;
import java.util.function.Consumer;

/**
 * Lays the documents of a policy into entries, each filled before the next is begun and handed on when it is full: one is
 * in memory at a time. A document that does not fit goes on in the next entry; its last piece says so.
 */
public final class SnapshotParts {

    /** Bytes a piece takes beside its texts: the names of its members. */
    private static final int PIECE_BYTES = 96;

    private static final Action ACTION = new Action("snapshot");

    private final PolicyScope scope;
    private final Revision revision;
    private final Digest policyDigest;
    private final Consumer<AuditEvent> entries;
    private ObjectNode part = JsonNodeFactory.instance.objectNode();
    private ArrayNode documents = part.putArray("documents");
    private EntryRoom room = new EntryRoom();
    private int parts;
    private long count;

    /** @param entries takes each entry in its order */
    public SnapshotParts(PolicyScope scope, Revision revision, Digest policyDigest, Consumer<AuditEvent> entries) {
        this.scope = scope;
        this.revision = revision;
        this.policyDigest = policyDigest;
        this.entries = entries;
        begin();
    }

    /** The next document; they may come in any order, each once. */
    public void add(StoredDocument document) {
        int fixed = PIECE_BYTES + EntryRoom.jsonBytes(document.key().name()) + EntryRoom.jsonBytes(document.file());
        ObjectNode piece = piece(document, fixed);
        String yaml = document.yaml();
        for (int start = 0; start < yaml.length(); ) {
            int end = room.fit(yaml, start);
            if (end > start) {
                piece.put("yaml", yaml.substring(start, end));
                start = end;
            }
            if (start < yaml.length()) {
                piece = next(document, fixed);
            }
        }
        piece = lines(document, piece, fixed);
        piece.put("file", document.file()).put("end", true);
        count++;
    }

    /** Hands on the last entry, which says how many there are. */
    public void finish() {
        part.put("count", count).put("parts", parts);
        handOn();
    }

    private ObjectNode lines(StoredDocument document, ObjectNode last, int fixed) {
        ObjectNode piece = last;
        ArrayNode lines = piece.putArray("lines");
        for (int line : document.lines()) {
            if (!room.takeLine()) {
                piece = next(document, fixed);
                lines = piece.putArray("lines");
                room.takeLine();
            }
            lines.add(line);
        }
        return piece;
    }

    private ObjectNode next(StoredDocument document, int fixed) {
        handOn();
        begin();
        return piece(document, fixed);
    }

    private ObjectNode piece(StoredDocument document, int fixed) {
        if (!room.take(fixed)) {
            handOn();
            begin();
            room.take(fixed);
        }
        return documents
                .addObject()
                .put("kind", document.key().kind().text())
                .put("name", document.key().name());
    }

    private void begin() {
        parts++;
        part = JsonNodeFactory.instance
                .objectNode()
                .put("scope", scope.key())
                .put("revision", revision.value())
                .put("policy_digest", policyDigest.toString())
                .put("part", parts);
        documents = part.putArray("documents");
        room = new EntryRoom();
    }

    private void handOn() {
        entries.accept(new AuditEvent(
                PolicyEntry.SNAPSHOT,
                PolicyEvents.CATEGORY,
                Recorder.ASSIZE.caller(),
                null,
                ACTION,
                ResourcePath.parse("tenant:" + scope.ledgerTenant() + "/policy"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                null,
                false,
                part.toString(),
                List.of(),
                List.of(),
                null,
                null));
    }
}
