package dev.assize.server.cli;

import dev.assize.proto.v1.DocumentKey;
import dev.assize.server.model.Limits;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Policy files, cut into documents at their `---` lines. In YAML such a line at the left margin is a document marker
 * wherever it stands, in block scalars too, so that cutting by lines is exact.
 */
public final class PolicyFiles {

    /** What may be read of one file: many documents at the limit of one. */
    private static final long FILE_BYTES = 64L << 20;

    private PolicyFiles() {}

    /**
     * A document and where it begins.
     *
     * @param line from 1
     */
    public record Piece(String file, int line, byte[] yaml) {}

    /** The documents of files, and of all policy files under directories, in the order of their paths. */
    public static List<Piece> read(List<Path> paths) {
        List<Piece> pieces = new ArrayList<>();
        for (Path path : paths) {
            for (Path file : filesOf(path)) {
                pieces.addAll(cut(file.toString(), contentOf(file)));
            }
        }
        return pieces;
    }

    /** The same, also of directories in which nothing is left. */
    static List<Piece> readWhatThereIs(List<Path> paths) {
        return read(paths.stream()
                .filter(path -> !Files.isDirectory(path) || !filesUnder(path).isEmpty())
                .toList());
    }

    /** The file itself, or all policy files under the directory. */
    static List<Path> filesOf(Path path) {
        if (!Files.exists(path)) {
            throw new CommandException(path + ": no such file or directory");
        }
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        List<Path> found = filesUnder(path);
        if (found.isEmpty()) {
            throw new CommandException(path + ": no policy files (*.yaml, *.yml) under this directory");
        }
        return found;
    }

    private static List<Path> filesUnder(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(it -> isPolicyFile(directory.relativize(it)))
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        } catch (IOException | UncheckedIOException unreadable) {
            throw new CommandException("cannot list " + directory + ": " + unreadable.getMessage(), unreadable);
        }
    }

    /** YAML that is neither hidden nor a policy test. */
    private static boolean isPolicyFile(Path relative) {
        for (Path part : relative) {
            if (part.toString().startsWith(".") || part.toString().equals("tests")) {
                return false;
            }
        }
        String name = String.valueOf(relative.getFileName());
        return name.endsWith(".yaml") || name.endsWith(".yml");
    }

    static byte[] contentOf(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] content = in.readNBytes((int) FILE_BYTES + 1);
            if (content.length > FILE_BYTES) {
                throw new CommandException(file + ": expected at most " + FILE_BYTES + " bytes");
            }
            return content;
        } catch (IOException unreadable) {
            throw new CommandException("cannot read " + file + ": " + unreadable.getMessage(), unreadable);
        }
    }

    /** Bytes are kept as they are: whether they are UTF-8 is for the server to say, with file and line. */
    public static List<Piece> cut(String file, byte[] content) {
        return cutAll(file, content).stream()
                .filter(piece -> !saysNothing(piece))
                .toList();
    }

    /** Also what has comments only. */
    static List<Piece> cutAll(String file, byte[] content) {
        String text = new String(content, StandardCharsets.ISO_8859_1);
        List<Piece> pieces = new ArrayList<>();
        int begin = 0;
        int beginLine = 1;
        int line = 1;
        for (int at = 0; at < text.length(); line++) {
            int end = text.indexOf('\n', at);
            int next = end < 0 ? text.length() : end + 1;
            if (at > begin && isMarker(text, at)) {
                pieces.add(piece(file, beginLine, text.substring(begin, at)));
                begin = at;
                beginLine = line;
            }
            at = next;
        }
        pieces.add(piece(file, beginLine, text.substring(begin)));
        return pieces;
    }

    private static boolean isMarker(String text, int at) {
        return text.startsWith("---", at) && (at + 3 == text.length() || Character.isWhitespace(text.charAt(at + 3)));
    }

    private static Piece piece(String file, int line, String text) {
        Piece piece = new Piece(file, line, text.getBytes(StandardCharsets.ISO_8859_1));
        if (text.length() > Limits.DOCUMENT_BYTES && !saysNothing(piece)) {
            throw new CommandException(file + ":" + line + ": a document of " + text.length()
                    + " bytes: expected at most " + Limits.DOCUMENT_BYTES);
        }
        return piece;
    }

    private static boolean saysNothing(Piece piece) {
        return new String(piece.yaml, StandardCharsets.ISO_8859_1)
                .lines()
                .map(String::strip)
                .allMatch(PolicyFiles::saysNothing);
    }

    private static boolean saysNothing(String line) {
        return line.isEmpty()
                || line.startsWith("#")
                || line.startsWith("%")
                || line.equals("---")
                || line.equals("...");
    }

    /** A document to delete of the command's tenant, or of the platform where it names none. */
    static DocumentKey key(String text, ClientCommand command) {
        int slash = text.indexOf('/');
        if (slash <= 0 || slash == text.length() - 1) {
            throw command.usage("--delete `" + text + "`: expected KIND/NAME, for example RoleBinding/noc-operators");
        }
        return DocumentKey.newBuilder()
                .setTenant(command.tenantOrEmpty())
                .setKind(text.substring(0, slash))
                .setName(text.substring(slash + 1))
                .build();
    }
}
