package dev.assize.server.cli;

import dev.assize.client.AssizeClient;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** By what a command knows that it speaks to the right server. */
public sealed interface ServerTrust {

    /** By nothing: for a server on this machine, or behind a mesh that encrypts. */
    record PlainText() implements ServerTrust {}

    /**
     * By its certificate.
     *
     * @param ca trusted certificates, a PEM file; null for those the system trusts
     * @param name the name its certificate must carry; empty for that of its address
     */
    record Tls(@Nullable Path ca, String name) implements ServerTrust {}

    /** What a channel is opened with. */
    default ChannelCredentials channelCredentials() {
        return switch (this) {
            case PlainText() -> InsecureChannelCredentials.create();
            case Tls tls -> tls(tls.ca());
        };
    }

    private static ChannelCredentials tls(@Nullable Path ca) {
        if (ca == null) {
            return TlsChannelCredentials.create();
        }
        try {
            return TlsChannelCredentials.newBuilder().trustManager(ca.toFile()).build();
        } catch (IOException unreadable) {
            throw new CommandException("cannot read the certificates in " + ca + ": " + unreadable, unreadable);
        }
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
                yield client;
            }
        };
    }
}
