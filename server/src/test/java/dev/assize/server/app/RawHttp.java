package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.SocketFactory;

/** A client that sends what it is told, byte by byte: every other one would mend it. */
final class RawHttp {

    private RawHttp() {}

    static Answer send(SocketFactory sockets, int port, String method, String target, String body, String... headers)
            throws IOException {
        String head = Stream.concat(
                        Stream.of(
                                method + " " + target + " HTTP/1.1",
                                "Host: shop.example.com",
                                "Connection: close",
                                "Content-Length: " + body.length()),
                        Stream.of(headers))
                .collect(Collectors.joining("\r\n", "", "\r\n\r\n"));
        try (Socket socket = sockets.createSocket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(30_000);
            ByteArrayOutputStream received = new ByteArrayOutputStream();
            try {
                socket.getOutputStream().write((head + body).getBytes(ISO_8859_1));
                socket.getInputStream().transferTo(received);
            } catch (SocketException cut) {
                // Whoever does not want all of a body answers, and hangs up.
                drain(socket, received);
            }
            return answer(received.toString(ISO_8859_1));
        }
    }

    private static void drain(Socket socket, ByteArrayOutputStream received) {
        try {
            socket.getInputStream().transferTo(received);
        } catch (IOException cut) {
            // What has arrived is all there is.
        }
    }

    private static Answer answer(String text) throws IOException {
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("No answer: " + text);
        }
        Map<String, String> headers = new TreeMap<>();
        String[] lines = text.substring(0, end).split("\r\n", -1);
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            headers.put(
                    lines[i].substring(0, colon).toLowerCase(Locale.ROOT),
                    lines[i].substring(colon + 1).strip());
        }
        return new Answer(Integer.parseInt(lines[0].split(" ", 3)[1]), headers, text.substring(end + 4));
    }

    /**
     * What came back.
     *
     * @param headers by their names in lower case
     */
    record Answer(int status, Map<String, String> headers, String body) {}
}
