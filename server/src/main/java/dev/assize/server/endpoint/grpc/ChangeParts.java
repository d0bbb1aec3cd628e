package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.PolicySource;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Names;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.FieldPlaces;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The documents and deletions of a change as they come in: counted, read, and admitted by the scope they name. */
final class ChangeParts {

    /** Documents and deletions of one change set. */
    static final int PARTS = 100_000;

    /** Bytes of YAML of one change set. */
    static final long SOURCE_BYTES = 32L * 1_024 * 1_024;

    /** What could not be read is told as far as this; of 100,000 documents each might have its thousand. */
    static final int PROBLEMS = 1_000;

    static final int FILE_BYTES = 1_024;
    static final int NAME_BYTES = 256;

    private final Consumer<PolicyScope> door;
    private final List<Document> puts = new ArrayList<>();
    private final List<DocumentKey> deletes = new ArrayList<>();
    private final List<Problem> problems = new ArrayList<>();
    private final FieldPlaces places = new FieldPlaces();
    private int parts;
    private long sourceBytes;

    /** @param door throws where the caller may not name the scope */
    ChangeParts(Consumer<PolicyScope> door) {
        this.door = door;
    }

    void put(PolicySource source) {
        sourceBytes += source.getYaml().size();
        if (sourceBytes > SOURCE_BYTES) {
            throw RefusedException.invalid(
                    "put.yaml", sourceBytes + " bytes in all", "at most " + SOURCE_BYTES + " bytes in a change");
        }
        String file = source.getFile();
        if (Names.utf8Length(file) > FILE_BYTES || !Names.isClean(file)) {
            throw RefusedException.invalid(
                    "put.file", file, "at most " + FILE_BYTES + " bytes without control characters");
        }
        int line = Math.max(1, source.getLine());
        byte[] yaml = source.getYaml().toByteArray();
        if (problems.size() >= PROBLEMS) {
            // It is refused anyway, and nobody reads more.
            count(1);
            return;
        }
        ReadResult read = DocumentReader.read(file, line, yaml);
        places.add(file, line, yaml);
        count(Math.max(1, read.documents().size()));
        read.documents().forEach(document -> {
            door.accept(document.scope());
            puts.add(document);
        });
        read.problems().stream().limit((long) PROBLEMS - problems.size()).forEach(problems::add);
    }

    void delete(dev.assize.proto.v1.DocumentKey key) {
        count(1);
        PolicyScope scope = Fields.scope("delete.tenant", key.getTenant());
        door.accept(scope);
        Kind kind = Kind.ofText(key.getKind())
                .orElseThrow(() -> RefusedException.invalid("delete.kind", key.getKind(), "a kind such as `Role`"));
        if (key.getName().isEmpty() || Names.utf8Length(key.getName()) > NAME_BYTES || !Names.isClean(key.getName())) {
            throw RefusedException.invalid("delete.name", key.getName(), "the name of a document");
        }
        deletes.add(new DocumentKey(scope, kind, key.getName()));
    }

    private void count(int more) {
        parts += more;
        if (parts > PARTS) {
            throw RefusedException.invalid(
                    "part", parts + " documents and deletions", "at most " + PARTS + " in a change");
        }
    }

    List<Document> puts() {
        return puts;
    }

    List<DocumentKey> deletes() {
        return deletes;
    }

    /** What could not be read. */
    List<Problem> problems() {
        return problems;
    }

    /** Where the fields stand in what was sent. */
    FieldPlaces places() {
        return places;
    }
}
