package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;

/**
 * A certificate of localhost that signs itself, made by the JDK's keytool, with its key.
 *
 * @param certificate a PEM file
 * @param key a PEM file
 */
record OwnTls(Path certificate, Path key) {

    private static final String PASSWORD = "only-here";

    static OwnTls create(Path directory) throws IOException, InterruptedException, GeneralSecurityException {
        Path store = directory.resolve("tls.p12");
        keytool(store);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        OwnTls tls = new OwnTls(directory.resolve("tls.crt"), directory.resolve("tls.key"));
        write(tls.certificate, "CERTIFICATE", keys.getCertificate("load").getEncoded());
        write(
                tls.key,
                "PRIVATE KEY",
                keys.getKey("load", PASSWORD.toCharArray()).getEncoded());
        return tls;
    }

    /** What a client trusts. */
    SslContext client() throws IOException {
        return GrpcSslContexts.forClient().trustManager(certificate.toFile()).build();
    }

    private static void keytool(Path store) throws IOException, InterruptedException {
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "load",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=dns:localhost,ip:127.0.0.1",
                        "-validity",
                        "30",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool cannot make a certificate: " + said);
        }
    }

    /** The key's file is its owner's alone: the server may refuse another one. */
    private static void write(Path file, String kind, byte[] der) throws IOException {
        Files.writeString(
                file,
                "-----BEGIN " + kind + "-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + kind
                        + "-----\n");
        Files.setPosixFilePermissions(file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
    }
}
