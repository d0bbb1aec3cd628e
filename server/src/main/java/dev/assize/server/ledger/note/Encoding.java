package dev.assize.server.ledger.note;

import java.util.Base64;

/** How bytes stand in notes and keys. */
final class Encoding {

    private Encoding() {}

    /** Standard base64 with its padding: one text for each value. */
    static byte[] base64(String text) {
        try {
            byte[] bytes = Base64.getDecoder().decode(text);
            if (Base64.getEncoder().encodeToString(bytes).equals(text)) {
                return bytes;
            }
        } catch (IllegalArgumentException e) {
            throw new MalformedNoteException("not base64: " + e.getMessage());
        }
        throw new MalformedNoteException("not base64 as it would be written");
    }

    static byte[] joined(byte[] first, byte[] second) {
        byte[] joined = new byte[first.length + second.length];
        System.arraycopy(first, 0, joined, 0, first.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
