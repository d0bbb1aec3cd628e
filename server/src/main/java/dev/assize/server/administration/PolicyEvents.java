package dev.assize.server.administration;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.replay.PolicyEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A change as the ledger tells it: the manifest, then what every changed document was and is. From these entries alone
 * each policy can be rebuilt, places included.
 */
final class PolicyEvents {
    /*
     * A frame holds at most 65,535 bytes and a document up to 256 KiB. So the texts before and after are laid into as
     * many entries as it takes, in order: whoever puts the pieces of one field of one document behind each other has
     * the field back.
     */

    static final String MANIFEST = PolicyEntry.MANIFEST;
    static final String DIFF = PolicyEntry.DIFF;

    static final String CATEGORY = "policy";
    private static final Action APPLY = new Action("apply");

    private PolicyEvents() {}

    static List<AuditEvent> of(ScopeChange change, Recorder recorder, @Nullable String reason, ChangeOrigin origin) {
        List<AuditEvent> events = new ArrayList<>();
        events.add(event(MANIFEST, change, recorder, reason, manifest(change, recorder, reason, origin)));
        int index = 0;
        for (DocumentChange document : change.changed()) {
            Parts parts = new Parts(change, document, index++);
            parts.text("before", textOf(document.before()));
            parts.text("after", textOf(document.after()));
            parts.lines(document.after());
            parts.finished().forEach(part -> events.add(event(DIFF, change, recorder, null, part)));
        }
        return events;
    }

    private static ObjectNode manifest(
            ScopeChange change, Recorder recorder, @Nullable String reason, ChangeOrigin origin) {
        ObjectNode manifest = JsonNodeFactory.instance
                .objectNode()
                .put("scope", change.scope().key())
                .put("base", change.base().value())
                .put("revision", change.revision().value())
                .put("count", change.changed().size())
                .put("change_digest", change.changeDigest().toString())
                .put("policy_digest", change.policyDigest().toString())
                .put("actor", recorder.caller().toString())
                .put("reason", reason == null ? "" : reason)
                .put("origin", origin.text());
        if (origin.actor() != null) {
            manifest.put("on_behalf_of", origin.actor().caller().toString());
        }
        ChangeOrigin.Accepted proposal = origin.proposal();
        if (proposal != null) {
            manifest.put("proposal", proposal.id())
                    .put("proposer", proposal.proposer().toString());
            ArrayNode approvers = manifest.putArray("approvers");
            proposal.approvers().forEach(approver -> approvers.add(approver.toString()));
        }
        return manifest;
    }

    private static AuditEvent event(
            String type, ScopeChange change, Recorder recorder, @Nullable String reason, ObjectNode payload) {
        return new AuditEvent(
                type,
                CATEGORY,
                recorder.caller(),
                null,
                APPLY,
                ResourcePath.parse("tenant:" + change.scope().ledgerTenant() + "/policy"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                payload.toString(),
                List.of(),
                List.of(),
                null,
                null);
    }

    private static String textOf(@Nullable Document document) {
        return document == null ? "" : DocumentText.write(document);
    }

    /** The entries of one document while they are filled. */
    private static final class Parts {

        private final ScopeChange change;
        private final DocumentChange document;
        private final int index;
        private final List<ObjectNode> parts = new ArrayList<>();
        private EntryRoom room = new EntryRoom();

        Parts(ScopeChange change, DocumentChange document, int index) {
            this.change = change;
            this.document = document;
            this.index = index;
            next();
        }

        void text(String field, String text) {
            int start = 0;
            while (start < text.length()) {
                int end = room.fit(text, start);
                if (end > start) {
                    parts.getLast().put(field, text.substring(start, end));
                    start = end;
                }
                if (start < text.length()) {
                    next();
                }
            }
        }

        /** Where the document and its permissions stood, so that traces survive a rebuild. */
        void lines(@Nullable Document after) {
            if (after == null) {
                return;
            }
            parts.getLast().put("file", after.place().file());
            ArrayNode lines = parts.getLast().putArray("lines");
            for (int line : DocumentText.lines(after)) {
                if (!room.takeLine()) {
                    next();
                    lines = parts.getLast().putArray("lines");
                    room.takeLine();
                }
                lines.add(line);
            }
        }

        List<ObjectNode> finished() {
            for (int i = 0; i < parts.size(); i++) {
                parts.get(i).put("part", i + 1).put("parts", parts.size());
            }
            return parts;
        }

        private void next() {
            parts.add(JsonNodeFactory.instance
                    .objectNode()
                    .put("scope", change.scope().key())
                    .put("revision", change.revision().value())
                    .put("index", index)
                    .put("kind", document.key().kind().text())
                    .put("name", document.key().name())
                    .put("change", document.type().name().toLowerCase(Locale.ROOT)));
            room = new EntryRoom();
        }
    }
}
