package dev.assize.server.anchor.witness;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.ledger.note.WitnessLine;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Shows checkpoints to witnesses. The JDK's client, because one small POST a second needs no guest: it keeps connections,
 * speaks TLS, and follows no redirect unless told to. What is answered is bounded in size, and all of it in time.
 */
public final class WitnessClient implements AutoCloseable {

    private static final int MAX_ANSWER_BYTES = 64 * 1024;
    private static final int MAX_SHOWN = 200;
    private static final String SIZE = "0|[1-9][0-9]{0,17}";

    private final Duration timeout;

    /** Made with the first call, since it reads the certificates of the machine; most servers have no witness. Guarded by this. */
    private @Nullable HttpClient http;

    /** Guarded by this. */
    private boolean closed;

    /** A client whose every call ends within that time. */
    public WitnessClient(Duration timeout) {
        this.timeout = timeout;
    }

    /**
     * Asks a witness to sign.
     *
     * @param oldSize of the checkpoint that it signed last, 0 where it has none
     * @param proof that the new one continues it
     * @param note the checkpoint as the log has signed it
     */
    public WitnessReply add(
            WitnessAddress witness, long oldSize, List<byte[]> proof, CheckpointText checkpoint, String note)
            throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(witness.url() + "/add-checkpoint"))
                .timeout(timeout)
                .header("Content-Type", "text/plain; charset=utf-8")
                .POST(BodyPublishers.ofString(body(oldSize, proof, note), UTF_8))
                .build();
        CompletableFuture<HttpResponse<String>> call =
                http().sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofString(UTF_8), MAX_ANSWER_BYTES));
        try {
            // The request's own time-out ends with the headers of the answer: a body may still be dripped.
            return reply(witness, checkpoint, call.get(timeout.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            return new WitnessReply.Unreached("no answer within " + timeout.toMillis() + " ms");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String message = cause.getMessage() == null ? "" : " " + cause.getMessage();
            return new WitnessReply.Unreached(cause.getClass().getSimpleName() + message);
        } finally {
            call.cancel(true);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (http != null) {
            http.shutdownNow();
        }
    }

    private synchronized HttpClient http() {
        HttpClient present = http;
        if (present == null) {
            // HTTP/2 has nothing to offer here, and an upgrade in plain text confuses simple servers.
            present = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(timeout)
                    .build();
            http = present;
            if (closed) {
                present.shutdownNow();
            }
        }
        return present;
    }

    private static String body(long oldSize, List<byte[]> proof, String note) {
        StringBuilder body = new StringBuilder("old ").append(oldSize).append('\n');
        proof.forEach(
                hash -> body.append(Base64.getEncoder().encodeToString(hash)).append('\n'));
        return body.append('\n').append(note).toString();
    }

    private static WitnessReply reply(
            WitnessAddress witness, CheckpointText checkpoint, HttpResponse<String> response) {
        String body = response.body();
        return switch (response.statusCode()) {
            case 200 ->
                WitnessLine.find(witness.key(), checkpoint, body)
                        .<WitnessReply>map(WitnessReply.Cosigned::new)
                        .orElseGet(() -> new WitnessReply.Refused("what it answers is not its signature"));
            case 409 ->
                body.strip().matches(SIZE)
                        ? new WitnessReply.Conflict(Long.parseLong(body.strip()))
                        : new WitnessReply.Refused("409 without a size");
            default -> new WitnessReply.Refused(response.statusCode() + " " + shown(body));
        };
    }

    /** The beginning of what a stranger says, as one line. */
    private static String shown(String body) {
        String line = body.codePoints()
                .limit(MAX_SHOWN)
                .map(c -> Character.isISOControl(c) ? ' ' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        return line.strip();
    }
}
