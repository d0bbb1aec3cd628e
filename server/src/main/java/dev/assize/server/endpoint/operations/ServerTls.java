package dev.assize.server.endpoint.operations;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** What the port proves itself by: a certificate chain and its key, read from PEM files once, when the server starts. */
final class ServerTls {

    /** A private key in PEM (RFC 7468, section 10). */
    private static final Pattern PKCS8 =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]*)-----END PRIVATE KEY-----");

    /** Of a key store that never leaves memory. */
    private static final char[] PASSWORD = "none".toCharArray();

    /** What a key signs to show whose it is. */
    private static final byte[] PROOF = "assize".getBytes(StandardCharsets.US_ASCII);

    private ServerTls() {}

    /**
     * A context of TLS with what the platform holds secure.
     *
     * @throws OperationsStartException where a file cannot be read, or holds something else
     */
    static SSLContext context(OperationsConfig.Tls tls) {
        Certificate[] chain = chain(tls.certificate());
        PrivateKey key = key(tls.key(), chain[0].getPublicKey().getAlgorithm());
        try {
            requirePair(key, chain[0].getPublicKey());
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("server", key, PASSWORD, chain);
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(store, PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException | IOException unfit) {
            throw new OperationsStartException(
                    "http.tls.certificate and http.tls.key: expected a certificate and its key: " + unfit.getMessage(),
                    unfit);
        }
    }

    /** Nobody else looks: a key of another certificate would only be found out by those who call. */
    private static void requirePair(PrivateKey key, PublicKey certified) throws GeneralSecurityException {
        Signature signature = Signature.getInstance(
                switch (key.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    default -> key.getAlgorithm();
                });
        signature.initSign(key);
        signature.update(PROOF);
        byte[] signed = signature.sign();
        signature.initVerify(certified);
        signature.update(PROOF);
        if (!signature.verify(signed)) {
            throw new GeneralSecurityException("the key is of another certificate");
        }
    }

    private static Certificate[] chain(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            Certificate[] chain = CertificateFactory.getInstance("X.509")
                    .generateCertificates(in)
                    .toArray(new Certificate[0]);
            if (chain.length == 0) {
                throw new GeneralSecurityException("there is none in it");
            }
            return chain;
        } catch (IOException | GeneralSecurityException unreadable) {
            throw refused("http.tls.certificate", file, "a certificate chain in PEM", unreadable);
        }
    }

    private static PrivateKey key(Path file, String algorithm) {
        try {
            Matcher block = PKCS8.matcher(Files.readString(file, StandardCharsets.US_ASCII));
            if (!block.find()) {
                throw new GeneralSecurityException(
                        "it is none: `openssl pkcs8 -topk8 -nocrypt` makes one of another form");
            }
            byte[] key = Base64.getMimeDecoder().decode(block.group(1));
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(key));
        } catch (IOException | GeneralSecurityException | IllegalArgumentException unreadable) {
            throw refused("http.tls.key", file, "the certificate's private key in PEM, PKCS #8", unreadable);
        }
    }

    private static OperationsStartException refused(String field, Path file, String expected, Exception why) {
        String cause = why instanceof NoSuchFileException ? "there is no such file" : String.valueOf(why.getMessage());
        return new OperationsStartException(field + ": `" + file + "`: expected " + expected + ": " + cause, why);
    }
}
