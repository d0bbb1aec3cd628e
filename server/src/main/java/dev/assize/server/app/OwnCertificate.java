package dev.assize.server.app;

import dev.assize.server.cli.ServerTrust;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;

/**
 * What commands on this machine need to know this server by: its own certificate, trusted as it stands, and a name that
 * it carries, because they reach the server by an address that no certificate is made for.
 */
final class OwnCertificate {

    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;

    private OwnCertificate() {}

    static ServerTrust trust(GrpcConfig config) {
        GrpcConfig.Tls tls = config.tls();
        if (tls == null) {
            return new ServerTrust.PlainText();
        }
        Path file = tls.certificate().toAbsolutePath().normalize();
        try (InputStream in = Files.newInputStream(file)) {
            X509Certificate own =
                    (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                            .findFirst()
                            .orElseThrow(() -> new CertificateException("no certificate in it"));
            return new ServerTrust.Tls(file, name(own), null);
        } catch (IOException | CertificateException unreadable) {
            throw new ConfigurationException(
                    "grpc.tls.certificate: `" + file + "`: expected a certificate chain in PEM: " + unreadable,
                    unreadable);
        }
    }

    private static String name(X509Certificate certificate) throws CertificateException {
        Collection<List<?>> names =
                Optional.ofNullable(certificate.getSubjectAlternativeNames()).orElse(List.of());
        return first(names, DNS_NAME)
                .or(() -> first(names, IP_ADDRESS))
                .or(() -> commonName(certificate))
                .map(it -> it.startsWith("*.") ? "assize" + it.substring(1) : it)
                .orElse("");
    }

    private static Optional<String> first(Collection<List<?>> names, int type) {
        return names.stream()
                .filter(it -> it.get(0) instanceof Integer found && found == type)
                .map(it -> String.valueOf(it.get(1)))
                .findFirst();
    }

    private static Optional<String> commonName(X509Certificate certificate) {
        try {
            return new LdapName(certificate.getSubjectX500Principal().getName())
                    .getRdns().stream()
                            .filter(it -> it.getType().equalsIgnoreCase("CN"))
                            .map(it -> String.valueOf(it.getValue()))
                            .findFirst();
        } catch (InvalidNameException unusual) {
            return Optional.empty();
        }
    }
}
