package dev.assize.server.storage.s3;

import dev.assize.server.model.Digest;
import dev.assize.server.secret.OwnedFileException;
import dev.assize.server.storage.s3.S3Place.Credentials;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProviderChain;
import software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.awssdk.auth.credentials.InstanceProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.SystemPropertyCredentialsProvider;
import software.amazon.awssdk.awscore.defaultsmode.DefaultsMode;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectLockMode;
import software.amazon.awssdk.services.s3.model.ObjectLockRetentionMode;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * The few calls of S3 that Assize makes. Nothing is called but the store itself: the region is given, and the metadata
 * service of the machine is asked for credentials only where the operator says so.
 *
 * <p>Every write carries a name of its own in the object's metadata. A write of which the end is not known, because the
 * answer was lost or the connection sent it twice, is settled by reading the object back: with that name in it the write
 * was made, with another it was not. Where that cannot be read either, it is a failure, and never taken for a success.
 *
 * <p>Every read of a whole object is compared with the checksum that it was written with, where the store has it. A store that
 * keeps tags apart from contents may hand out the tag of a write that is under way with the content that it replaces; who swaps
 * by that tag what it has made of that content would undo the write.
 */
final class S3Objects implements AutoCloseable {

    private static final String ATTEMPT = "assize-attempt";
    private static final int ATTEMPTS = 2;

    /** Until content and checksum are of one write: such a read meets a write, and does not do so for long. */
    private static final int READS = 5;

    private static final Duration BETWEEN_READS = Duration.ofMillis(50);

    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int PRECONDITION_FAILED = 412;
    private static final int FORBIDDEN = 403;

    private final S3Place place;
    private final S3Client client;

    S3Objects(S3Place place) {
        this.place = place;
        this.client = client(place);
    }

    /** An object as it stands there; empty where there is none. */
    Optional<Stored> get(String name) {
        return call("read", name, () -> read(name));
    }

    /**
     * Writes an object on a condition.
     *
     * @return its tag; empty where the condition does not hold, and nothing was written
     */
    Optional<String> put(String name, byte[] content, Condition condition) {
        return put(name, RequestBody.fromBytes(content), Digest.sha256(content), condition, null);
    }

    /** The same with the content of a file, which is locked where a lock is given. */
    Optional<String> put(String name, Path content, Digest hash, Condition condition, @Nullable Lock lock) {
        return put(name, RequestBody.fromFile(content), hash, condition, lock);
    }

    private Optional<String> put(
            String name, RequestBody content, Digest hash, Condition condition, @Nullable Lock lock) {
        String attempt = UUID.randomUUID().toString();
        return call("write", name, () -> {
            try {
                String tag = client.putObject(request(name, hash, condition, lock, attempt), content)
                        .eTag();
                return tag == null ? settle(name, attempt) : Optional.of(tag);
            } catch (S3Exception e) {
                if (isRefusal(e)) {
                    return settle(name, attempt);
                }
                return settleUnclear(name, attempt, e);
            } catch (SdkException e) {
                return settleUnclear(name, attempt, e);
            }
        });
    }

    /** How the store says that an object is locked; empty where it does not say so. */
    Optional<Lock> lock(String name) {
        return call("read the lock of", name, () -> {
            HeadObjectResponse present = head(name);
            Instant until = present.objectLockRetainUntilDate();
            if (until == null || present.objectLockMode() == null) {
                return Optional.<Lock>empty();
            }
            return switch (present.objectLockMode()) {
                case GOVERNANCE -> Optional.of(new Lock(LockMode.GOVERNANCE, until));
                case COMPLIANCE -> Optional.of(new Lock(LockMode.COMPLIANCE, until));
                case UNKNOWN_TO_SDK_VERSION -> Optional.<Lock>empty();
            };
        });
    }

    /** Locks an object that is there; no store lets a lock become shorter. */
    void lock(String name, Lock lock) {
        var _ = call(
                "lock",
                name,
                () -> client.putObjectRetention(it -> it.bucket(place.bucket())
                        .key(key(name))
                        .retention(retention -> retention
                                .mode(ObjectLockRetentionMode.fromValue(
                                        lock.mode().name()))
                                .retainUntilDate(lock.until()))));
    }

    /** An object's content, to be closed by the caller; empty where there is none. */
    Optional<InputStream> open(String name) {
        return call("read", name, () -> {
            try {
                return Optional.of(
                        client.getObject(it -> it.bucket(place.bucket()).key(key(name))));
            } catch (NoSuchKeyException none) {
                return Optional.<InputStream>empty();
            }
        });
    }

    /** Removes an object; one that must be kept stays. */
    void delete(String name) {
        boolean _ = call("remove", name, () -> {
            try {
                client.deleteObject(it -> it.bucket(place.bucket()).key(key(name)));
                return true;
            } catch (S3Exception e) {
                if (e.statusCode() == FORBIDDEN) {
                    return false;
                }
                throw e;
            }
        });
    }

    @Override
    public void close() {
        client.close();
    }

    private Optional<Stored> read(String name) {
        try {
            for (int i = 0; i < READS; i++) {
                ResponseBytes<GetObjectResponse> object = client.getObjectAsBytes(it -> it.bucket(place.bucket())
                        .key(key(name))
                        // As a bare header: Amazon's client would call a mismatch an answer that nobody can read.
                        .overrideConfiguration(with -> with.putHeader("x-amz-checksum-mode", "ENABLED")));
                byte[] content = object.asByteArray();
                String written = object.response().checksumSHA256();
                if (written == null || written.equals(checksum(Digest.sha256(content)))) {
                    return Optional.of(new Stored(object.response().eTag(), content));
                }
                LockSupport.parkNanos(BETWEEN_READS.toNanos());
            }
        } catch (NoSuchKeyException none) {
            return Optional.empty();
        }
        throw new S3UnavailableException(
                "cannot read " + name + " in " + place + ": " + READS
                        + " times its content was not what the checksum beside it says",
                null);
    }

    private static String checksum(Digest hash) {
        return Base64.getEncoder().encodeToString(hash.bytes());
    }

    /** The store has refused it, or has said that it did: what stands there says whose write it was. */
    private Optional<String> settle(String name, String attempt) {
        try {
            HeadObjectResponse present = head(name);
            return attempt.equals(present.metadata().get(ATTEMPT)) ? Optional.of(present.eTag()) : Optional.empty();
        } catch (NoSuchKeyException none) {
            return Optional.empty();
        }
    }

    private HeadObjectResponse head(String name) {
        return client.headObject(it -> it.bucket(place.bucket()).key(key(name)));
    }

    /** Only what is found written was written. What is not there may still be on its way, and is no answer. */
    private Optional<String> settleUnclear(String name, String attempt, SdkException failure) {
        try {
            Optional<String> tag = settle(name, attempt);
            if (tag.isPresent()) {
                return tag;
            }
        } catch (SdkException unreadable) {
            failure.addSuppressed(unreadable);
        }
        throw failure;
    }

    private static boolean isRefusal(S3Exception e) {
        return e.statusCode() == PRECONDITION_FAILED
                || e.statusCode() == CONFLICT
                || (e.statusCode() == NOT_FOUND && "NoSuchKey".equals(code(e)));
    }

    private PutObjectRequest request(
            String name, Digest hash, Condition condition, @Nullable Lock lock, String attempt) {
        PutObjectRequest.Builder request = PutObjectRequest.builder()
                .bucket(place.bucket())
                .key(key(name))
                .contentType("application/octet-stream")
                .checksumSHA256(checksum(hash))
                .metadata(Map.of(ATTEMPT, attempt));
        switch (condition) {
            case Condition.Absent _ -> request.ifNoneMatch("*");
            case Condition.Tagged tagged -> request.ifMatch(tagged.tag());
        }
        if (lock != null) {
            request.objectLockMode(
                            switch (lock.mode()) {
                                case GOVERNANCE -> ObjectLockMode.GOVERNANCE;
                                case COMPLIANCE -> ObjectLockMode.COMPLIANCE;
                            })
                    .objectLockRetainUntilDate(lock.until());
        }
        return request.build();
    }

    private String key(String name) {
        return place.prefix() + name;
    }

    private <T> T call(String verb, String name, Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException | OwnedFileException e) {
            throw new S3UnavailableException("cannot " + verb + " " + name + " in " + place + ": " + reason(e), e);
        }
    }

    private static String reason(RuntimeException e) {
        if (e instanceof S3Exception answer) {
            AwsErrorDetails details = answer.awsErrorDetails();
            return "it answered " + answer.statusCode()
                    + (details == null ? "" : " " + details.errorCode() + ", " + details.errorMessage());
        }
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return e.getCause() == null
                ? String.valueOf(e.getMessage())
                : root.getClass().getSimpleName() + " " + root.getMessage();
    }

    private static String code(S3Exception e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null ? "" : String.valueOf(details.errorCode());
    }

    private static S3Client client(S3Place place) {
        S3ClientBuilder builder = S3Client.builder()
                .region(Region.of(place.region()))
                .credentialsProvider(credentials(place.credentials()))
                .defaultsMode(DefaultsMode.LEGACY)
                .forcePathStyle(place.pathStyle())
                .crossRegionAccessEnabled(false)
                .disableS3ExpressSessionAuth(true)
                // Checksums are given with each write; stores other than Amazon's do not know the trailing ones.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .serviceConfiguration(S3Configuration.builder()
                        .chunkedEncodingEnabled(false)
                        .expectContinueEnabled(false)
                        .build())
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(place.timeout())
                        .socketTimeout(place.timeout()))
                .overrideConfiguration(it -> it.retryStrategy(AwsRetryStrategy.standardRetryStrategy().toBuilder()
                        .maxAttempts(ATTEMPTS)
                        .build()));
        if (place.endpoint() != null) {
            builder.endpointOverride(place.endpoint());
        }
        return builder.build();
    }

    private static AwsCredentialsProvider credentials(Credentials credentials) {
        return switch (credentials) {
            case Credentials.OfFile file -> new FileCredentials(file.path());
            case Credentials.OfSurroundings surroundings -> {
                AwsCredentialsProviderChain.Builder chain = AwsCredentialsProviderChain.builder()
                        .addCredentialsProvider(SystemPropertyCredentialsProvider.create())
                        .addCredentialsProvider(EnvironmentVariableCredentialsProvider.create())
                        .addCredentialsProvider(ProfileCredentialsProvider.create())
                        .addCredentialsProvider(ContainerCredentialsProvider.create());
                if (surroundings.ofInstance()) {
                    chain.addCredentialsProvider(InstanceProfileCredentialsProvider.create());
                }
                yield chain.build();
            }
        };
    }

    /** When a write is made. */
    sealed interface Condition {

        /** There is no object of that name. */
        record Absent() implements Condition {}

        /** The object has that tag. */
        record Tagged(String tag) implements Condition {}
    }

    /** How long an object can be neither changed nor removed (S3 Object Lock). */
    record Lock(LockMode mode, Instant until) {}

    /**
     * An object.
     *
     * @param tag differs with every content
     */
    record Stored(String tag, byte[] content) {}
}
