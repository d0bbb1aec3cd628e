package dev.assize.server.testing.forge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;

/** Puts files into a tar file, by the table of the format page, with what a recipe changes in the headers. */
final class ForgedTar {

    private static final int BLOCK = 512;
    private static final int SUM_AT = 148;
    private static final int SUM_BYTES = 8;

    private final ByteArrayOutputStream tar = new ByteArrayOutputStream();

    private ForgedTar() {}

    /**
     * The files in their order, with what a recipe wants otherwise: {@code header}, bytes of the first header, its sum being
     * true again; {@code members} behind the files; {@code end}, bytes behind the last zeros.
     */
    static byte[] of(Map<String, byte[]> files, JsonNode recipe) {
        ForgedTar forged = new ForgedTar();
        files.forEach((name, content) -> forged.add(name, content, '0', recipe.path("header")));
        for (JsonNode member : recipe.path("members")) {
            byte[] content = files.getOrDefault(member.path("copyOf").asText(), new byte[0]);
            forged.add(
                    member.get("name").asText(),
                    content,
                    member.path("type").asText("0").charAt(0),
                    recipe.path("header"));
        }
        return forged.end(recipe.path("end").asText());
    }

    private void add(String name, byte[] content, char type, JsonNode changes) {
        byte[] header = new byte[BLOCK];
        put(header, 0, name);
        put(header, 100, "0000644\0" + "0000000\0" + "0000000\0");
        put(header, 124, String.format(Locale.ROOT, "%011o\0%011o\0", content.length, 0));
        header[156] = (byte) type;
        put(header, 257, "ustar\00000");
        if (tar.size() == 0) {
            changes.forEach(change ->
                    put(header, change.get("at").asInt(), change.get("text").asText()));
        }
        put(header, SUM_AT, " ".repeat(SUM_BYTES));
        int sum = 0;
        for (byte b : header) {
            sum += Byte.toUnsignedInt(b);
        }
        put(header, SUM_AT, String.format(Locale.ROOT, "%06o\0 ", sum));
        tar.writeBytes(header);
        tar.writeBytes(content);
        tar.writeBytes(new byte[(BLOCK - content.length % BLOCK) % BLOCK]);
    }

    private byte[] end(String more) {
        tar.writeBytes(new byte[2 * BLOCK]);
        tar.writeBytes(HexFormat.of().parseHex(more));
        return tar.toByteArray();
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }
}
