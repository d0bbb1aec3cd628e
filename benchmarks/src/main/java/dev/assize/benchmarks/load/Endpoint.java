package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Where a server is, and with what it is called.
 *
 * @param tls null for plain text
 * @param key the API key
 */
record Endpoint(SocketAddress address, @Nullable SslContext tls, String key) {

    /** What the server's certificate is for. */
    static final String HOST = "localhost";

    static final String TCP = "tcp";
    static final String TLS = "tls";
    static final String UNIX = "unix";

    /** What the host is called in the requests' `:authority`. */
    String authority() {
        return port() == 0 ? HOST : HOST + ":" + port();
    }

    /** 0 where there is none. */
    int port() {
        return address instanceof InetSocketAddress internet ? internet.getPort() : 0;
    }

    String transport() {
        return isUnix() ? UNIX : tls != null ? TLS : TCP;
    }

    boolean isUnix() {
        return address instanceof DomainSocketAddress;
    }

    @Override
    public String toString() {
        return "Endpoint[" + address + ", " + transport() + "]";
    }
}
