package dev.assize.server.ledger.merkle;

import java.util.ArrayList;
import java.util.List;

/**
 * The root of a complete subtree.
 *
 * @param height above the leaves
 * @param index among the nodes of that height
 */
record Node(int height, long index) {

    /** The complete subtrees into which a subtree falls, largest first. */
    static List<Node> of(long from, long to) {
        List<Node> nodes = new ArrayList<>();
        long at = from;
        while (at < to) {
            long leaves = Long.highestOneBit(to - at);
            int height = Long.numberOfTrailingZeros(leaves);
            nodes.add(new Node(height, at >>> height));
            at += leaves;
        }
        return nodes;
    }

    /** The complete subtrees by which a tree grows from a size to another, from left to right. */
    static List<Node> between(long size, long grown) {
        List<Node> nodes = new ArrayList<>();
        long at = size;
        while (at < grown) {
            long fitting = Long.highestOneBit(grown - at);
            long leaves = at == 0 ? fitting : Math.min(Long.lowestOneBit(at), fitting);
            int height = Long.numberOfTrailingZeros(leaves);
            nodes.add(new Node(height, at >>> height));
            at += leaves;
        }
        return nodes;
    }
}
