package dev.assize.server.storage.s3;

import dev.assize.server.secret.OwnedFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/**
 * The key of an account in a file that only its owner may read, written as in `~/.aws/credentials`. Read for each call, so
 * that another key takes effect without a restart.
 */
final class FileCredentials implements AwsCredentialsProvider {

    private static final String ID = "aws_access_key_id";
    private static final String SECRET = "aws_secret_access_key";
    private static final String TOKEN = "aws_session_token";

    private final OwnedFile file;

    FileCredentials(Path path) {
        this.file = OwnedFile.secret(path);
    }

    @Override
    public AwsCredentials resolveCredentials() {
        Map<String, String> values = new TreeMap<>();
        for (String line : file.read().lines().map(String::strip).toList()) {
            int equals = line.indexOf('=');
            if (equals > 0 && !line.startsWith("#")) {
                values.put(
                        line.substring(0, equals).strip(),
                        line.substring(equals + 1).strip());
            }
        }
        // Says nothing of what the file has: it may be half a secret.
        if (!values.keySet().containsAll(Set.of(ID, SECRET)) || values.containsValue("")) {
            throw file.isNo("key of an S3 account", "the lines `" + ID + " = …` and `" + SECRET + " = …`");
        }
        String token = values.get(TOKEN);
        return token == null
                ? AwsBasicCredentials.create(values.get(ID), values.get(SECRET))
                : AwsSessionCredentials.create(values.get(ID), values.get(SECRET), token);
    }
}
