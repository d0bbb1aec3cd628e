package dev.assize.server.upstream;

import dev.assize.server.model.TenantId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a sidecar reaches its centre, and for whom.
 *
 * @param tenants whose policy it follows
 * @param keyFile where its credential at the centre stands
 * @param tls null for plain text, to this machine only
 * @param actAs types of subjects for which it would speak
 * @param timeout of a question asked at the centre whose caller sets no deadline, and of the first answer
 * @param directory where it keeps what it must not forget
 */
public record UpstreamConfig(
        String host,
        int port,
        List<TenantId> tenants,
        Path keyFile,
        @Nullable Tls tls,
        List<String> actAs,
        Duration timeout,
        Path directory) {

    /** Tenants of a sidecar: each is a stream. */
    public static final int TENANTS = 100;

    /** Types of subjects, as many as the centre takes. */
    public static final int ACT_AS = 32;

    public UpstreamConfig {
        tenants = List.copyOf(tenants);
        actAs = List.copyOf(actAs);
        if (tenants.isEmpty() || tenants.size() > TENANTS) {
            throw new IllegalArgumentException(
                    "upstream.tenants are " + tenants.size() + ": expected 1 to " + TENANTS + " tenants");
        }
        if (actAs.size() > ACT_AS) {
            throw new IllegalArgumentException(
                    "upstream.actAs are " + actAs.size() + ": expected at most " + ACT_AS + " types of subjects");
        }
        if (!timeout.isPositive()) {
            throw new IllegalArgumentException("upstream.timeout is `" + timeout + "`: expected more than 0");
        }
    }

    /** As operators write it. */
    public String address() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }

    /**
     * By what the centre is known, and this sidecar to it; PEM files.
     *
     * @param ca trusted certificates; null for those the system trusts
     * @param certificate of this sidecar, where the centre asks for one; null for none
     * @param key of that certificate
     * @param name the name that the centre's certificate must carry; empty for that of its address
     */
    public record Tls(
            @Nullable Path ca,
            @Nullable Path certificate,
            @Nullable Path key,
            String name) {}
}
