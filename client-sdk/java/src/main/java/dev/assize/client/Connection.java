package dev.assize.client;

import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the server is, whom to trust and who calls; gathered by the builder. */
final class Connection {

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    String target = "127.0.0.1:7443";
    boolean plaintext;

    @Nullable
    Path trustedCertificates;

    @Nullable
    Path clientChain;

    @Nullable
    Path clientKey;

    @Nullable
    String serverName;

    @Nullable
    String apiKey = keyOfEnvironment(System.getenv("ASSIZE_KEY"));

    final List<ClientInterceptor> interceptors = new ArrayList<>();

    /** None where the variable is empty. */
    static @Nullable String keyOfEnvironment(@Nullable String variable) {
        return variable == null || variable.isBlank() ? null : variable.strip();
    }

    /** A channel that connects with its first call. */
    ManagedChannel open() {
        ManagedChannelBuilder<?> channel = Grpc.newChannelBuilder(target, credentials())
                .intercept(authorization())
                .intercept(interceptors);
        if (serverName != null) {
            channel.overrideAuthority(serverName);
        } else if (target.startsWith("unix:")) {
            channel.overrideAuthority("localhost");
        }
        return channel.build();
    }

    ClientInterceptor authorization() {
        Metadata headers = new Metadata();
        if (apiKey != null) {
            headers.put(AUTHORIZATION, "Bearer " + apiKey);
        }
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }

    private ChannelCredentials credentials() {
        if (plaintext) {
            if (trustedCertificates != null || clientChain != null) {
                throw new IllegalArgumentException("both plain text and TLS are asked for");
            }
            return InsecureChannelCredentials.create();
        }
        try {
            TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
            if (trustedCertificates != null) {
                tls.trustManager(trustedCertificates.toFile());
            }
            if (clientChain != null && clientKey != null) {
                tls.keyManager(clientChain.toFile(), clientKey.toFile());
            }
            return tls.build();
        } catch (IOException unreadable) {
            throw new IllegalArgumentException(
                    "Cannot read certificates or keys in " + trustedCertificates + ", " + clientChain + ", "
                            + clientKey,
                    unreadable);
        }
    }
}
