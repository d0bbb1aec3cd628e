package dev.assize.server.storage;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.StoredDocuments;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Versions of documents as they come from the database: those that hold, parsed, and the names of those that do not.
 *
 * <p>Rows come in blocks. Beside the documents only a few blocks are in memory: where there are more than one, a few
 * threads parse, and no more blocks wait for them than there are of them.
 */
final class DocumentRows {

    /** Rows that come at once, and that a thread parses at a time. */
    static final int BLOCK = 1_000;

    private static final int PARSERS = 4;

    private final PolicyScope scope;
    private final List<Document> documents = new ArrayList<>();
    private final List<DocumentKey> ended = new ArrayList<>();

    /** One object for each file name, of which there are few. */
    private final Map<String, String> files = new HashMap<>();

    private DocumentRows(PolicyScope scope) {
        this.scope = scope;
    }

    /** Of rows of kind, name, yaml, file, lines, and whether the version holds; fetched in blocks. */
    static DocumentRows read(PolicyScope scope, ResultSet rows) throws SQLException {
        DocumentRows read = new DocumentRows(scope);
        List<Row> block = read.block(rows);
        if (block.size() < BLOCK) {
            read.documents.addAll(read.parse(block));
            return read;
        }
        int threads = Math.min(PARSERS, Runtime.getRuntime().availableProcessors());
        try (ExecutorService parsers = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("policy-parser-", 0).daemon().factory())) {
            read.parseBeside(parsers, threads, block, rows);
        }
        return read;
    }

    /** Those that hold. */
    List<Document> documents() {
        return documents;
    }

    /** The names of those that do not; a later version may. */
    List<DocumentKey> ended() {
        return ended;
    }

    private void parseBeside(ExecutorService parsers, int threads, List<Row> first, ResultSet rows)
            throws SQLException {
        StoredDocuments sharing = new StoredDocuments();
        ArrayDeque<Future<List<Document>>> waiting = new ArrayDeque<>();
        for (List<Row> block = first; !block.isEmpty(); block = block(rows)) {
            List<Row> next = block;
            waiting.add(parsers.submit(() -> parse(next)));
            if (waiting.size() > 2 * threads) {
                addAll(await(waiting.remove()), sharing);
            }
        }
        for (Future<List<Document>> parsed : waiting) {
            addAll(await(parsed), sharing);
        }
    }

    /** Where there are many, equal parts of them are one object. */
    private void addAll(List<Document> parsed, StoredDocuments sharing) {
        parsed.forEach(document -> documents.add(sharing.shared(document)));
    }

    private List<Row> block(ResultSet rows) throws SQLException {
        List<Row> block = new ArrayList<>();
        while (block.size() < BLOCK && rows.next()) {
            if (rows.getBoolean(6)) {
                block.add(row(rows));
            } else {
                ended.add(new DocumentKey(scope, kind(rows.getString(1)), rows.getString(2)));
            }
        }
        return block;
    }

    private Row row(ResultSet rows) throws SQLException {
        Array lines = rows.getArray(5);
        return new Row(
                rows.getString(3), files.computeIfAbsent(rows.getString(4), file -> file), Arrays.asList((Integer[])
                        lines.getArray()));
    }

    static Kind kind(String text) {
        return Kind.ofText(text)
                .orElseThrow(() -> new StorageException(
                        "a document of kind `" + text + "` is stored:" + " a newer version of Assize wrote it"));
    }

    private List<Document> parse(List<Row> block) {
        return block.stream()
                .map(row -> DocumentText.readStored(scope, row.yaml, row.file, row.lines))
                .toList();
    }

    private static List<Document> await(Future<List<Document>> parsed) {
        try {
            return parsed.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("A stored document could not be parsed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException("interrupted while policy was read", e);
        }
    }

    /** A version that holds, as it is stored. */
    private record Row(String yaml, String file, List<Integer> lines) {}
}
