package dev.assize.server.cli;

import dev.assize.client.AssizeClient;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** By what a command and the server know that each speaks to the right one. */
public sealed interface ServerTrust {

    /** By nothing: for a server on this machine, or behind a mesh that encrypts. */
    record PlainText() implements ServerTrust {}

    /**
     * By its certificate.
     *
     * @param ca trusted certificates, a PEM file; null for those the system trusts
     * @param name the name its certificate must carry; empty for that of its address
     * @param own what is shown to it; null for nothing
     */
    record Tls(@Nullable Path ca, String name, @Nullable Own own) implements ServerTrust {}

    /**
     * A certificate of the caller's, for servers that want one.
     *
     * @param chain a PEM file, the caller's own certificate first
     * @param key its private key, PKCS #8 in a PEM file
     */
    record Own(Path chain, Path key) {}

    /** The same, where the caller shows a certificate of its own; that needs TLS. */
    default ServerTrust showing(Own own) {
        return switch (this) {
            case PlainText() -> new Tls(null, "", own);
            case Tls tls -> new Tls(tls.ca(), tls.name(), own);
        };
    }

    /** What a channel is opened with. */
    default ChannelCredentials channelCredentials() {
        return switch (this) {
            case PlainText() -> InsecureChannelCredentials.create();
            case Tls tls -> credentials(tls);
        };
    }

    private static ChannelCredentials credentials(Tls tls) {
        TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
        Path ca = tls.ca();
        if (ca != null) {
            read(ca, () -> credentials.trustManager(ca.toFile()));
        }
        Own own = tls.own();
        if (own != null) {
            // Both are read here; which of them cannot be, the message of the failure says.
            read(
                    own.chain(),
                    () -> credentials.keyManager(own.chain().toFile(), own.key().toFile()));
        }
        return credentials.build();
    }

    private static void read(Path file, Reading reading) {
        try {
            reading.read();
        } catch (IOException unreadable) {
            throw new CommandException("cannot read the certificates in " + file + ": " + unreadable, unreadable);
        }
    }

    /** What may fail to read. */
    @FunctionalInterface
    interface Reading {

        void read() throws IOException;
    }

    /** Has a channel expect the name. */
    default void expectName(ManagedChannelBuilder<?> channel) {
        if (this instanceof Tls tls && !tls.name().isEmpty()) {
            channel.overrideAuthority(tls.name());
        }
    }

    /** Has a client of the SDK trust alike. */
    default AssizeClient.Builder applyTo(AssizeClient.Builder client) {
        return switch (this) {
            case PlainText() -> client.plaintext();
            case Tls tls -> {
                if (tls.ca() != null) {
                    client.trustedCertificates(tls.ca());
                }
                if (!tls.name().isEmpty()) {
                    client.serverName(tls.name());
                }
                if (tls.own() != null) {
                    client.clientCertificate(tls.own().chain(), tls.own().key());
                }
                yield client;
            }
        };
    }
}
