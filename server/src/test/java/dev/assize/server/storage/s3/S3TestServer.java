package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * A store that speaks the part of S3 that Assize uses, strictly: signatures (SigV4) and checksums are verified, a
 * conditional PUT is one step, what is locked stays. Mocks that can be had check a condition and write afterwards, so two
 * writers win. Fails where a test says so.
 */
public final class S3TestServer implements AutoCloseable {

    public static final String BUCKET = "heads";
    static final String KEY_ID = "AKIDEXAMPLE";
    static final String SECRET = "wJalrXUtnFEMI/K7MDENG";

    private static final String META = "X-amz-meta-assize-attempt";
    private static final String CHECKSUM = "x-amz-checksum-sha256";
    private static final String LOCK_MODE = "x-amz-object-lock-mode";
    private static final String LOCK_UNTIL = "x-amz-object-lock-retain-until-date";

    private final HttpServer http;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    /** Guarded by this, as all of it is. */
    private final Map<String, Held> objects = new HashMap<>();

    private final List<Seen> requests = new ArrayList<>();
    private final List<Failure> failures = new ArrayList<>();
    private boolean heedsConditions = true;
    private static final Pattern RETAIN_UNTIL = Pattern.compile("<RetainUntilDate>([^<]+)</RetainUntilDate>");

    private boolean keepsLocks = true;
    private int torn;
    private final CountDownLatch closing = new CountDownLatch(1);

    private S3TestServer(HttpServer http) {
        this.http = http;
    }

    public static S3TestServer start() {
        try {
            HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            S3TestServer server = new S3TestServer(http);
            http.createContext("/", server::answer);
            http.setExecutor(server.threads);
            http.start();
            return server;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + http.getAddress().getPort());
    }

    /** What happens to the next PUTs, one after the other; what was said before is void. */
    public synchronized void failPut(Failure... next) {
        failures.clear();
        failures.addAll(List.of(next));
    }

    /** As old stores do, which know no conditions. */
    synchronized void ignoreConditions() {
        heedsConditions = false;
    }

    /** So many reads have the tag and the checksum of what is there, and the content of what was there before. */
    synchronized void tearReads(int times) {
        torn = times;
    }

    /** As stores do that know no locks, and take what they do not know. */
    synchronized void ignoreLocks() {
        keepsLocks = false;
    }

    /** Every request that came, in order. */
    synchronized List<Seen> requests() {
        return List.copyOf(requests);
    }

    /** What was written under a name that ends so. */
    synchronized byte[] content(String end) {
        return objects.entrySet().stream()
                .filter(it -> it.getKey().endsWith(end))
                .map(it -> it.getValue().content())
                .findFirst()
                .orElseThrow();
    }

    /** Until when what was written under a name that ends so is locked. */
    synchronized Instant lockUntil(String end) {
        return objects.entrySet().stream()
                .filter(it -> it.getKey().endsWith(end))
                .map(it -> Instant.parse(Objects.requireNonNull(it.getValue().lockUntil())))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() {
        closing.countDown();
        http.stop(0);
        threads.close();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Answer answer = handle(exchange, body);
            if (answer == null) {
                return;
            }
            exchange.getResponseHeaders().putAll(answer.headers());
            boolean empty =
                    answer.body().length == 0 || exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(answer.status(), empty ? -1 : answer.body().length);
            if (!empty) {
                exchange.getResponseBody().write(answer.body());
            }
        }
    }

    /** Null for no answer at all. */
    private @Nullable Answer handle(HttpExchange exchange, byte[] body) {
        Seen request =
                new Seen(exchange.getRequestMethod(), exchange.getRequestURI(), exchange.getRequestHeaders(), body);
        Failure failure = Failure.NONE;
        Answer answer;
        synchronized (this) {
            requests.add(request);
            if (request.method().equals("PUT") && !failures.isEmpty()) {
                failure = failures.removeFirst();
            }
            answer = failure.isDone() ? done(request) : null;
        }
        return switch (failure) {
            case NONE -> answer;
            case LOST, DONE_AND_LOST -> null;
            case BUSY -> error(503, "SlowDown");
            case DONE_AND_HUNG, HUNG -> hang();
            case CONFLICT -> error(409, "ConditionalRequestConflict");
        };
    }

    private @Nullable Answer hang() {
        try {
            closing.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return null;
    }

    private Answer done(Seen request) {
        String refusal = refusal(request);
        if (refusal != null) {
            return error(403, refusal);
        }
        String[] path = request.uri().getPath().substring(1).split("/", 2);
        if (!path[0].equals(BUCKET)) {
            return error(404, "NoSuchBucket");
        }
        return switch (request.method()) {
            case "PUT" -> "retention".equals(request.uri().getQuery()) ? lock(path[1], request) : put(path[1], request);
            case "GET", "HEAD" -> get(path[1], request);
            case "DELETE" -> delete(path[1]);
            default -> error(405, "MethodNotAllowed");
        };
    }

    /** A lock of an object that is there may become longer, and its mode stays; one that has none is given it. */
    private Answer lock(String key, Seen request) {
        Held present = objects.get(key);
        String wanted = new String(request.body(), UTF_8);
        Matcher until = RETAIN_UNTIL.matcher(wanted);
        if (present == null || !until.find()) {
            return error(404, "NoSuchKey");
        }
        if (!keepsLocks) {
            return error(400, "InvalidRequest");
        }
        boolean locked = present.lockMode() != null && present.lockUntil() != null;
        if (locked
                && (!wanted.contains("<Mode>" + present.lockMode() + "</Mode>")
                        || Instant.parse(until.group(1)).isBefore(Instant.parse(present.lockUntil())))) {
            return error(403, "AccessDenied");
        }
        objects.put(
                key,
                new Held(
                        present.content(),
                        present.before(),
                        present.tag(),
                        present.attempt(),
                        locked
                                ? present.lockMode()
                                : wanted.contains("<Mode>COMPLIANCE</Mode>") ? "COMPLIANCE" : "GOVERNANCE",
                        until.group(1)));
        return new Answer(200, Headers.of(), new byte[0]);
    }

    private Answer put(String key, Seen request) {
        Held present = objects.get(key);
        String match = request.header("If-Match");
        if (heedsConditions) {
            if (match != null && present == null) {
                return error(404, "NoSuchKey");
            }
            boolean replaced = match != null && present != null && !match.equals(present.tag());
            if (replaced || ("*".equals(request.header("If-None-Match")) && present != null)) {
                return error(412, "PreconditionFailed");
            }
        }
        byte[] sum = sha256(request.body());
        String claimed = request.header(CHECKSUM);
        if (claimed != null && !claimed.equals(Base64.getEncoder().encodeToString(sum))) {
            return error(400, "BadDigest");
        }
        String tag = "\"" + HexFormat.of().formatHex(sum, 0, 16) + "\"";
        objects.put(
                key,
                new Held(
                        request.body(),
                        present == null ? new byte[0] : present.content(),
                        tag,
                        request.header(META),
                        keepsLocks ? request.header(LOCK_MODE) : null,
                        keepsLocks ? request.header(LOCK_UNTIL) : null));
        return new Answer(200, Headers.of("ETag", tag), new byte[0]);
    }

    private Answer get(String key, Seen request) {
        Held present = objects.get(key);
        if (present == null) {
            return error(404, "NoSuchKey");
        }
        Headers headers = new Headers();
        headers.add("ETag", present.tag());
        if (present.attempt() != null) {
            headers.add(META, present.attempt());
        }
        if (present.lockMode() != null && present.lockUntil() != null) {
            headers.add(LOCK_MODE, present.lockMode());
            headers.add(LOCK_UNTIL, present.lockUntil());
        }
        if ("ENABLED".equals(request.header("x-amz-checksum-mode"))) {
            headers.add(CHECKSUM, Base64.getEncoder().encodeToString(sha256(present.content())));
        }
        boolean tear = torn > 0 && request.method().equals("GET");
        torn -= tear ? 1 : 0;
        return new Answer(200, headers, tear ? present.before() : present.content());
    }

    private Answer delete(String key) {
        Held present = objects.get(key);
        if (present != null && present.lockMode() != null) {
            return error(403, "AccessDenied");
        }
        objects.remove(key);
        return new Answer(204, Headers.of(), new byte[0]);
    }

    private static Answer error(int status, String code) {
        String text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>" + code
                + " it is</Message><RequestId>1</RequestId></Error>";
        return new Answer(status, Headers.of("Content-Type", "application/xml"), text.getBytes(UTF_8));
    }

    /** A name without a value is signed with an empty one. */
    private static String query(Seen request) {
        String query = Objects.requireNonNullElse(request.uri().getRawQuery(), "");
        return query.isEmpty() || query.contains("=") ? query : query + "=";
    }

    /** What is wrong with a request's signature, by AWS's own description of version 4; null where nothing is. */
    private static @Nullable String refusal(Seen request) {
        String authorization = Objects.requireNonNullElse(request.header("Authorization"), "");
        if (!authorization.startsWith("AWS4-HMAC-SHA256 ")) {
            return "AccessDenied";
        }
        Map<String, String> parts = Arrays.stream(
                        authorization.substring(authorization.indexOf(' ') + 1).split(",\\s*"))
                .map(part -> part.split("=", 2))
                .collect(Collectors.toMap(part -> part[0], part -> part[1]));
        String[] scope = parts.getOrDefault("Credential", "").split("/", 2);
        if (!scope[0].equals(KEY_ID)) {
            return "InvalidAccessKeyId";
        }
        String payload = Objects.requireNonNull(request.header("x-amz-content-sha256"));
        if (!payload.equals("UNSIGNED-PAYLOAD")
                && !payload.equals(HexFormat.of().formatHex(sha256(request.body())))) {
            return "XAmzContentSHA256Mismatch";
        }
        String names = parts.getOrDefault("SignedHeaders", "");
        TreeMap<String, String> signed = new TreeMap<>();
        for (String name : names.split(";", -1)) {
            signed.put(
                    name, Objects.requireNonNullElse(request.header(name), "").strip());
        }
        String canonical = request.method() + "\n" + request.uri().getRawPath() + "\n"
                + query(request) + "\n"
                + signed.entrySet().stream()
                        .map(it -> it.getKey().toLowerCase(Locale.ROOT) + ":" + it.getValue() + "\n")
                        .collect(Collectors.joining())
                + "\n" + names + "\n" + payload;
        String toSign = "AWS4-HMAC-SHA256\n" + request.header("X-Amz-Date") + "\n" + scope[1] + "\n"
                + HexFormat.of().formatHex(sha256(canonical.getBytes(UTF_8)));
        byte[] key = ("AWS4" + SECRET).getBytes(UTF_8);
        for (String part : scope[1].split("/", -1)) {
            key = hmac(key, part);
        }
        return HexFormat.of().formatHex(hmac(key, toSign)).equals(parts.get("Signature"))
                ? null
                : "SignatureDoesNotMatch";
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** How a PUT fails. */
    public enum Failure {
        NONE,
        /** The connection breaks before anything was done. */
        LOST,
        /** It is done, and the connection breaks before the answer. */
        DONE_AND_LOST,
        /** It is done, and the answer never comes. */
        DONE_AND_HUNG,
        /** Nothing is done, and the answer never comes. */
        HUNG,
        /** It is told to come back later. */
        BUSY,
        /** Another write under the same condition was on its way, which need not have come through. */
        CONFLICT;

        boolean isDone() {
            return this == NONE || this == DONE_AND_LOST || this == DONE_AND_HUNG;
        }
    }

    /** A request as it came over the wire. */
    record Seen(String method, URI uri, Headers headers, byte[] body) {
        @Nullable
        String header(String name) {
            return headers.getFirst(name);
        }
    }

    private record Held(
            byte[] content,
            byte[] before,
            String tag,
            @Nullable String attempt,
            @Nullable String lockMode,
            @Nullable String lockUntil) {}

    private record Answer(int status, Headers headers, byte[] body) {}
}
