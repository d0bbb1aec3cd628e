package dev.assize.server.endpoint.call;

/**
 * A block cipher of 64 bits and a key of 128: one value for each value, which nobody can tell from drawn ones without the key.
 * Used by any number of threads.
 */
final class Speck {
    /*
     * Speck64/128 (Beaulieu, Shors, Smith, Treatman-Clark, Weeks and Wingers, "The SIMON and SPECK families of lightweight
     * block ciphers", 2013): 27 rounds of an addition, two rotations and two exclusive ors, some tens of nanoseconds for each
     * value and nothing made on the way. AES takes more by a `Cipher`, which one thread has at a time, and has blocks twice as
     * long as there is room for.
     */

    private static final int ROUNDS = 27;

    private final int[] roundKeys = new int[ROUNDS];

    /** The key in words, as the paper writes it: the last one is used first. */
    Speck(int word3, int word2, int word1, int word0) {
        int[] next = {word1, word2, word3};
        int key = word0;
        for (int i = 0; i < ROUNDS; i++) {
            roundKeys[i] = key;
            int mixed = (Integer.rotateRight(next[i % 3], 8) + key) ^ i;
            next[i % 3] = mixed;
            key = Integer.rotateLeft(key, 3) ^ mixed;
        }
    }

    long encipher(long block) {
        int high = (int) (block >>> 32);
        int low = (int) block;
        for (int key : roundKeys) {
            high = (Integer.rotateRight(high, 8) + low) ^ key;
            low = Integer.rotateLeft(low, 3) ^ high;
        }
        return (long) high << 32 | Integer.toUnsignedLong(low);
    }
}
