package dev.assize.server.storage.s3;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where objects are in a store that speaks S3, and how it is reached.
 *
 * @param prefix before the name of every object; empty, or ending in `/`
 * @param region of the bucket
 * @param endpoint of a store that is not Amazon's; null for Amazon's
 * @param pathStyle whether the bucket stands in the path rather than in the host name
 * @param credentials with which the store is called
 * @param timeout how long it may take to connect, and over each part of an answer
 */
public record S3Place(
        String bucket,
        String prefix,
        String region,
        @Nullable URI endpoint,
        boolean pathStyle,
        Credentials credentials,
        Duration timeout) {

    /** For stores that have no regions, and ask for one all the same. */
    public static final String ANY_REGION = "us-east-1";

    private static final String SCHEME = "s3://";
    private static final Pattern ADDRESS = Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?");
    private static final Pattern PREFIX = Pattern.compile("(?:[A-Za-z0-9!_.*'()=-]+/)*");
    private static final Pattern REGION = Pattern.compile("[a-z0-9-]{1,63}");
    private static final int MAX_PREFIX = 512;

    public S3Place {
        if (!REGION.matcher(region).matches()) {
            throw new IllegalArgumentException("region `" + region + "`: expected one as eu-central-1");
        }
        if (endpoint != null && !isServer(endpoint)) {
            // Not shown: somebody may have put a password into it.
            throw new IllegalArgumentException("endpoint: expected https://host, or http://host:port");
        }
        if (prefix.length() > MAX_PREFIX || !PREFIX.matcher(prefix).matches()) {
            throw new IllegalArgumentException("prefix `" + prefix + "`: expected at most " + MAX_PREFIX
                    + " letters, digits and !_.*'()=- in parts joined by /");
        }
    }

    /** Whether a text is meant to be an address of this kind. */
    public static boolean isAddress(String text) {
        return text.startsWith(SCHEME);
    }

    /** The bucket and the prefix that an address `s3://bucket/prefix` names; empty where it is none. */
    public static Optional<Address> parse(String text) {
        Matcher matcher = ADDRESS.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String path = matcher.group(2);
        String prefix = path == null || path.isEmpty() || path.endsWith("/") ? path : path + "/";
        return Optional.of(new Address(matcher.group(1), prefix == null ? "" : prefix));
    }

    private static boolean isServer(URI endpoint) {
        boolean http = "https".equals(endpoint.getScheme()) || "http".equals(endpoint.getScheme());
        boolean bare = endpoint.getRawPath() == null || endpoint.getRawPath().matches("/?");
        return http
                && bare
                && endpoint.getHost() != null
                && endpoint.getRawUserInfo() == null
                && endpoint.getRawQuery() == null;
    }

    /** For the operator; holds no secret. */
    @Override
    public String toString() {
        return SCHEME + bucket + "/" + prefix + (endpoint == null ? "" : " at " + endpoint);
    }

    /** What an address names. */
    public record Address(String bucket, String prefix) {}

    /** Whence the key of the store's account comes. */
    public sealed interface Credentials {

        /**
         * What the surroundings say: system properties, `AWS_…` variables, the profile in `~/.aws`, a container's own.
         *
         * @param ofInstance whether the metadata service of the machine is asked, too
         */
        record OfSurroundings(boolean ofInstance) implements Credentials {}

        /** A file with `aws_access_key_id` and `aws_secret_access_key`, which only its owner may read. */
        record OfFile(Path path) implements Credentials {}
    }
}
