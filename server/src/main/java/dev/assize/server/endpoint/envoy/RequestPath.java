package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Names;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The path of a request as its segments, decoded once, without its query. What servers behind the proxy could read in more
 * than one way is refused and never mended: whoever mends it differently would serve another resource than the one that was
 * decided about.
 *
 * @param endsWithSlash whether a slash stands behind the last segment
 */
record RequestPath(List<String> segments, boolean endsWithSlash) {

    static final int MAX_LENGTH = 8 * 1_024;
    static final int MAX_SEGMENTS = 64;

    private static final String EXPECTED = "a path of at most " + MAX_SEGMENTS + " segments and " + MAX_LENGTH
            + " characters, each segment one that every server reads alike: not empty, not `.` or `..`, without"
            + " encoded slashes, backslashes, semicolons and control characters, percent-encoded UTF-8 otherwise, and not"
            + " encoded twice";

    /** What RFC 3986 lets stand in a segment by itself, but for the semicolon, behind which some servers read nothing. */
    private static final String PLAIN = "-._~!$&'()*+,=:@";

    /** In what is decoded already: whoever decodes once more serves another path. */
    private static final Pattern ENCODED_OCTET = Pattern.compile("%[0-9A-Fa-f]{2}");

    RequestPath {
        segments = List.copyOf(segments);
    }

    /** Reads the target of a request. */
    static RequestPath parse(String target) {
        int query = target.indexOf('?');
        String path = query < 0 ? target : target.substring(0, query);
        if (!path.startsWith("/") || path.length() > MAX_LENGTH) {
            throw malformed(path);
        }
        if (path.length() == 1) {
            return new RequestPath(List.of(), true);
        }
        boolean endsWithSlash = path.endsWith("/");
        String inner = path.substring(1, path.length() - (endsWithSlash ? 1 : 0));
        List<String> segments = new ArrayList<>();
        for (String segment : inner.split("/", -1)) {
            segments.add(decoded(path, segment));
            if (segments.size() > MAX_SEGMENTS) {
                throw malformed(path);
            }
        }
        return new RequestPath(segments, endsWithSlash);
    }

    /** The path as it was read: decoded, and without its query. */
    String text() {
        String joined = "/" + String.join("/", segments);
        return endsWithSlash && !segments.isEmpty() ? joined + "/" : joined;
    }

    private static String decoded(String path, String segment) {
        ByteBuffer bytes = ByteBuffer.allocate(segment.length());
        for (int i = 0; i < segment.length(); i++) {
            char c = segment.charAt(i);
            if (c == '%') {
                bytes.put((byte) octet(path, segment, i));
                i += 2;
            } else if (isPlain(c)) {
                bytes.put((byte) c);
            } else {
                throw malformed(path);
            }
        }
        String text = text(path, bytes.flip());
        if (!isUnambiguous(text)) {
            throw malformed(path);
        }
        return text;
    }

    private static int octet(String path, String segment, int percent) {
        if (percent + 2 >= segment.length()) {
            throw malformed(path);
        }
        int high = digit(segment.charAt(percent + 1));
        int low = digit(segment.charAt(percent + 2));
        if (high < 0 || low < 0) {
            throw malformed(path);
        }
        return (high << 4) | low;
    }

    /** Of ASCII only: Unicode has other digits. */
    private static int digit(char c) {
        return c < 0x80 ? Character.digit(c, 16) : -1;
    }

    static boolean isPlain(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || PLAIN.indexOf(c) >= 0;
    }

    private static String text(String path, ByteBuffer bytes) {
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(bytes);
            return text.toString();
        } catch (CharacterCodingException notUtf8) {
            throw malformed(path);
        }
    }

    static boolean isUnambiguous(String segment) {
        return !segment.isEmpty()
                && !segment.equals(".")
                && !segment.equals("..")
                && segment.indexOf('/') < 0
                && segment.indexOf('\\') < 0
                && segment.indexOf(';') < 0
                && !ENCODED_OCTET.matcher(segment).find()
                && Names.isClean(segment);
    }

    private static MalformedException malformed(String path) {
        return new MalformedException(path, EXPECTED);
    }
}
