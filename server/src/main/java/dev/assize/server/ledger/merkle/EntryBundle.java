package dev.assize.server.ledger.merkle;

import java.io.ByteArrayOutputStream;
import java.util.List;

/** Writes entries as an archive keeps them beside their tile of level 0: u16 length, big-endian, then the entry. */
public final class EntryBundle {

    private static final int LONGEST_ENTRY = 0xFFFF;

    private EntryBundle() {}

    /** The bundle of at most 256 entries. */
    public static byte[] of(List<byte[]> entries) {
        if (entries.size() > TileId.FULL) {
            throw new IllegalArgumentException("A bundle has at most " + TileId.FULL + " entries");
        }
        ByteArrayOutputStream bundle = new ByteArrayOutputStream();
        for (byte[] entry : entries) {
            if (entry.length > LONGEST_ENTRY) {
                throw new IllegalArgumentException("An entry has at most " + LONGEST_ENTRY + " bytes");
            }
            bundle.write(entry.length >>> Byte.SIZE);
            bundle.write(entry.length);
            bundle.writeBytes(entry);
        }
        return bundle.toByteArray();
    }
}
