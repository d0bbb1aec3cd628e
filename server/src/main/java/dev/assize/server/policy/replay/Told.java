package dev.assize.server.policy.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The payload of an entry, member by member; one that is absent or of another form ends the replay. */
final class Told {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final long seq;
    private final JsonNode json;

    private Told(long seq, JsonNode json) {
        this.seq = seq;
        this.json = json;
    }

    static Told of(PolicyEntry entry) throws ReplayException {
        try {
            JsonNode json = JSON.readTree(entry.payload());
            if (json != null && json.isObject()) {
                return new Told(entry.seq(), json);
            }
        } catch (JsonProcessingException e) {
            throw new ReplayException(entry.seq(), "its payload is no JSON", e);
        }
        throw new ReplayException(entry.seq(), "its payload is no JSON object");
    }

    ReplayException broken(String message) {
        return new ReplayException(seq, message);
    }

    String text(String member) throws ReplayException {
        JsonNode value = json.path(member);
        if (!value.isTextual()) {
            throw broken("`" + member + "` is no text");
        }
        return value.textValue();
    }

    /** Empty where the member is not there. */
    String textOrEmpty(String member) throws ReplayException {
        return json.has(member) ? text(member) : "";
    }

    long number(String member) throws ReplayException {
        JsonNode value = json.path(member);
        if (!value.canConvertToLong() || !value.isIntegralNumber() || value.longValue() < 0) {
            throw broken("`" + member + "` is no number from 0");
        }
        return value.longValue();
    }

    boolean has(String member) {
        return json.has(member);
    }

    Revision revision(String member) throws ReplayException {
        return new Revision(number(member));
    }

    Digest digest(String member) throws ReplayException {
        try {
            return Digest.of(HexFormat.of().parseHex(text(member)));
        } catch (IllegalArgumentException e) {
            throw new ReplayException(seq, "`" + member + "` is no digest", e);
        }
    }

    PolicyScope scope() throws ReplayException {
        try {
            return PolicyScope.ofKey(text("scope"));
        } catch (MalformedException e) {
            throw new ReplayException(seq, "`scope` names no tenant", e);
        }
    }

    DocumentKey key(PolicyScope scope) throws ReplayException {
        String kind = text("kind");
        return new DocumentKey(
                scope,
                Kind.ofText(kind).orElseThrow(() -> broken("`" + kind + "` is no kind that this version knows")),
                text("name"));
    }

    /** None where the member is not there. */
    List<String> textsOrNone(String member) throws ReplayException {
        List<String> texts = new ArrayList<>();
        for (JsonNode text : json.path(member)) {
            if (!text.isTextual()) {
                throw broken("`" + member + "` holds what is no text");
            }
            texts.add(text.textValue());
        }
        return texts;
    }

    /** Of the lines that stand here; none where there are none. */
    List<Integer> lines() throws ReplayException {
        List<Integer> lines = new ArrayList<>();
        for (JsonNode line : json.path("lines")) {
            if (!line.isInt()) {
                throw broken("`lines` holds what is no line");
            }
            lines.add(line.intValue());
        }
        return lines;
    }

    List<Told> documents() throws ReplayException {
        JsonNode documents = json.path("documents");
        if (!documents.isArray()) {
            throw broken("`documents` is no list");
        }
        List<Told> all = new ArrayList<>();
        for (JsonNode document : documents) {
            all.add(new Told(seq, document));
        }
        return all;
    }
}
