package dev.assize.server.ledger.note;

/** What a key signs; it is part of the key, so that no signature of one kind passes for one of the other. */
public enum SignatureType {
    /** The text of the note. */
    NOTE(0x01),
    /** The text of a checkpoint behind the time at which it was seen (C2SP tlog-cosignature). */
    COSIGNATURE(0x04);

    private final byte number;

    SignatureType(int number) {
        this.number = (byte) number;
    }

    byte number() {
        return number;
    }

    static SignatureType of(byte number) {
        for (SignatureType type : values()) {
            if (type.number == number) {
                return type;
            }
        }
        throw new MalformedNoteException("unknown signature type " + number);
    }
}
