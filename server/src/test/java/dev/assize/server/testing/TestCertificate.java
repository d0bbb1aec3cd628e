package dev.assize.server.testing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A certificate that signed itself, and its key, as the JDK's keytool makes them.
 *
 * @param certificate PEM
 * @param key PEM
 */
public record TestCertificate(Path certificate, Path key, Certificate content) {

    private static final String PASSWORD = "of the test";

    /**
     * One of an elliptic curve.
     *
     * @param name that it is for, for example `dns:assize.test` or `ip:127.0.0.1`
     */
    public static TestCertificate make(Path directory, String name) throws Exception {
        return make(directory, name, "EC");
    }

    public static TestCertificate make(Path directory, String name, String algorithm) throws Exception {
        Path store = directory.resolve("store-" + algorithm + ".p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home", ""), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        algorithm,
                        "-dname",
                        "CN=assize",
                        "-ext",
                        "san=" + name,
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("keytool.log").toFile())
                .start();
        if (keytool.waitFor() != 0) {
            throw new IllegalStateException(Files.readString(directory.resolve("keytool.log")));
        }
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        Certificate certificate = keys.getCertificate("server");
        byte[] key = keys.getKey("server", PASSWORD.toCharArray()).getEncoded();
        return new TestCertificate(
                pem(directory.resolve(algorithm + ".crt"), "CERTIFICATE", certificate.getEncoded()),
                pem(directory.resolve(algorithm + ".key"), "PRIVATE KEY", key),
                certificate);
    }

    /** What a client needs that trusts this certificate and no other. */
    public SSLContext trusted() throws GeneralSecurityException, IOException {
        KeyStore known = KeyStore.getInstance("PKCS12");
        known.load(null, null);
        known.setCertificateEntry("server", content);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(known);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static Path pem(Path file, String label, byte[] content) throws IOException {
        String body = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                .encodeToString(content);
        return Files.writeString(file, "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n");
    }
}
