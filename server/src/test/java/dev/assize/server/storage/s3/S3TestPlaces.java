package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.UUID;

/**
 * Places in a store that speaks S3. It is the tests' own, or with `-Dassize.test.s3.endpoint`, `.bucket`, `.region` and
 * `.credentials` another, whose conditional PUT is then held to the contract.
 */
public final class S3TestPlaces {

    private static final String OWN_KEY = "[default]\naws_access_key_id = " + S3TestServer.KEY_ID
            + "\naws_secret_access_key = " + S3TestServer.SECRET + "\n";

    private S3TestPlaces() {}

    /** A place of its own. */
    public static S3Place fresh(S3TestServer server, Path directory) {
        String endpoint = System.getProperty("assize.test.s3.endpoint");
        if (endpoint == null) {
            return at(server.endpoint(), file(directory, OWN_KEY), Duration.ofSeconds(5));
        }
        return new S3Place(
                System.getProperty("assize.test.s3.bucket", S3TestServer.BUCKET),
                prefix(),
                System.getProperty("assize.test.s3.region", "us-east-1"),
                URI.create(endpoint),
                true,
                new S3Place.Credentials.OfFile(Path.of(System.getProperty("assize.test.s3.credentials"))),
                Duration.ofSeconds(5));
    }

    /** A place in a bucket of the tests' own store. */
    public static S3Place at(URI endpoint, Path credentials, Duration timeout) {
        return new S3Place(
                S3TestServer.BUCKET,
                prefix(),
                "eu-central-1",
                endpoint,
                true,
                new S3Place.Credentials.OfFile(credentials),
                timeout);
    }

    /** A file that only its owner may read. */
    static Path file(Path directory, String text) {
        try {
            Path file = directory.resolve("s3-" + UUID.randomUUID());
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            return Files.writeString(file, text, UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static Path ownKey(Path directory) {
        return file(directory, OWN_KEY);
    }

    private static String prefix() {
        return "test-" + UUID.randomUUID() + "/";
    }
}
