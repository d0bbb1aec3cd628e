package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A value that is kept beside an entry, so that it can be erased, with the salt that opens its commitment.
 *
 * @param field its number in the frame
 */
public record KeptValue(long seq, int field, byte[] salt, byte[] value) {

    private static final Pattern LINE = Pattern.compile("\\{\"seq\":([0-9]+),\"field\":(1[6-9]|2[0-9]|3[0-5]),"
            + "\"salt\":\"([A-Za-z0-9+/=]+)\",\"value\":\"([A-Za-z0-9+/=]*)\"}");

    /** As a bundle has it: a JSON object of one form, its end included. */
    String line() {
        Base64.Encoder base64 = Base64.getEncoder();
        return "{\"seq\":" + seq + ",\"field\":" + field + ",\"salt\":\"" + base64.encodeToString(salt)
                + "\",\"value\":\"" + base64.encodeToString(value) + "\"}\n";
    }

    /** Reads lines of that form, and of no other. */
    static List<KeptValue> parse(byte[] lines) throws NotProvenException {
        String text = new String(lines, StandardCharsets.ISO_8859_1);
        require(text.endsWith("\n"), "a list of values ends its last line");
        List<KeptValue> values = new ArrayList<>();
        for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
            values.add(parse(line));
        }
        return values;
    }

    private static KeptValue parse(String line) throws NotProvenException {
        Matcher matcher = LINE.matcher(line);
        require(matcher.matches(), "a line of a list of values is not of its form");
        KeptValue value = new KeptValue(
                Evidence.decimal(matcher.group(1)),
                Integer.parseInt(matcher.group(2)),
                Evidence.base64(matcher.group(3)),
                Evidence.base64(matcher.group(4)));
        require(value.salt.length == Commitment.SALT_BYTES, "a salt has " + Commitment.SALT_BYTES + " bytes");
        return value;
    }
}
