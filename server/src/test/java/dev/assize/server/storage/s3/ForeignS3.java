package dev.assize.server.storage.s3;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;

/**
 * A store that speaks S3 and is not ours: versitygw, over a directory, in a process of its own. It has the account, the region
 * and the bucket of {@link S3TestPlaces#at}, and a second bucket whose objects can be locked. The account that makes the
 * buckets is called by Amazon's client as it comes.
 */
public final class ForeignS3 implements AutoCloseable {

    /** Says what is missing where there is none. */
    public static final String NONE = "there is no store that speaks S3 and is not ours: .ci/s3 builds one";

    /** Whose objects can be locked. */
    static final String LOCKED = "archive";

    private static final Duration LONGEST_START = Duration.ofSeconds(30);

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private final Process process;
    private final URI endpoint;
    private final S3Client owner;

    private ForeignS3(Process process, URI endpoint) {
        this.process = process;
        this.endpoint = endpoint;
        this.owner = S3Client.builder()
                .endpointOverride(endpoint)
                .region(Region.EU_CENTRAL_1)
                .forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(S3TestServer.KEY_ID, S3TestServer.SECRET)))
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .build();
    }

    /** The one that `ASSIZE_VERSITYGW` names, or that `.ci/s3` has built, or the first on the path. */
    public static Optional<Path> find() {
        String named = System.getenv("ASSIZE_VERSITYGW");
        if (named != null) {
            return Optional.of(Path.of(named));
        }
        Path built = Path.of("..", "target", "s3", "versitygw");
        Stream<Path> onThePath = Pattern.compile(File.pathSeparator)
                .splitAsStream(System.getenv().getOrDefault("PATH", ""))
                .map(directory -> Path.of(directory, "versitygw"));
        return Stream.concat(Stream.of(built), onThePath)
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Starts it, empty but for its buckets; whoever asks is skipped where there is none. */
    static ForeignS3 startOrSkip(Path directory) throws IOException {
        assumeTrue(find().isPresent(), NONE);
        return start(directory);
    }

    /** Its bucket, over a network that loses what it is told to. */
    public static S3Place behind(LosingNetwork network, Path directory) {
        return S3TestPlaces.at(network.endpoint(), S3TestPlaces.ownKey(directory), TIMEOUT);
    }

    /** Starts it, empty but for its buckets. */
    public static ForeignS3 start(Path directory) throws IOException {
        Path home = Files.createTempDirectory(directory, "s3");
        for (String part : new String[] {"objects", "versions", "attributes"}) {
            Files.createDirectory(home.resolve(part));
        }
        int port = freePort();
        ProcessBuilder builder = new ProcessBuilder(
                        find().orElseThrow().toAbsolutePath().toString(),
                        "--port",
                        "127.0.0.1:" + port,
                        "--region",
                        "eu-central-1",
                        "--quiet",
                        "posix",
                        // Beside the objects: not every file system keeps attributes of files.
                        "--sidecar",
                        home.resolve("attributes").toString(),
                        "--versioning-dir",
                        home.resolve("versions").toString(),
                        home.resolve("objects").toString())
                .directory(home.toFile())
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("log").toFile());
        builder.environment().put("ROOT_ACCESS_KEY_ID", S3TestServer.KEY_ID);
        builder.environment().put("ROOT_SECRET_ACCESS_KEY", S3TestServer.SECRET);
        Process process = builder.start();
        try {
            awaitStart(process, port, home.resolve("log"));
            ForeignS3 store = new ForeignS3(process, URI.create("http://127.0.0.1:" + port));
            var _ = store.owner.createBucket(it -> it.bucket(S3TestServer.BUCKET));
            var _ = store.owner.createBucket(it -> it.bucket(LOCKED).objectLockEnabledForBucket(true));
            return store;
        } catch (IOException | RuntimeException failure) {
            process.destroyForcibly();
            throw failure;
        }
    }

    private static void awaitStart(Process process, int port, Path log) throws IOException {
        Instant end = Instant.now().plus(LONGEST_START);
        while (process.isAlive() && Instant.now().isBefore(end)) {
            try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return;
            } catch (IOException notYet) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
        }
        throw new IOException("versitygw does not start: " + Files.readString(log));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    public URI endpoint() {
        return endpoint;
    }

    /** A place in the bucket whose objects can be locked. */
    static S3Place locked(S3Place place) {
        return new S3Place(
                LOCKED,
                place.prefix(),
                place.region(),
                place.endpoint(),
                place.pathStyle(),
                place.credentials(),
                place.timeout());
    }

    /** What the store says of an object. */
    HeadObjectResponse head(S3Place place, String name) {
        return owner.headObject(it -> it.bucket(place.bucket()).key(place.prefix() + name));
    }

    /** As the owner of the account would: not what is in front, but that version itself. */
    void delete(S3Place place, String name, String version) {
        var _ = owner.deleteObject(
                it -> it.bucket(place.bucket()).key(place.prefix() + name).versionId(version));
    }

    @Override
    public void close() {
        owner.close();
        process.destroy();
        process.onExit().join();
    }
}
