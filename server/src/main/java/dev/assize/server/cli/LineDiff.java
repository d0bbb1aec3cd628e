package dev.assize.server.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * The lines that two texts do not share, as `diff` shows them: by the longest common subsequence of what stands between
 * their common beginning and end. Where that would take too long, all of the one and then all of the other.
 */
final class LineDiff {

    /** Pairs of lines that are compared at most. */
    private static final long PAIRS = 4_000_000;

    private LineDiff() {}

    /** `- ` before what goes, `+ ` before what comes, in their order; nothing of what stays. */
    static List<String> of(String before, String after) {
        List<String> old = before.lines().toList();
        List<String> young = after.lines().toList();
        int head = 0;
        while (head < Math.min(old.size(), young.size()) && old.get(head).equals(young.get(head))) {
            head++;
        }
        int tail = 0;
        while (tail < Math.min(old.size(), young.size()) - head
                && old.get(old.size() - 1 - tail).equals(young.get(young.size() - 1 - tail))) {
            tail++;
        }
        return between(old.subList(head, old.size() - tail), young.subList(head, young.size() - tail));
    }

    private static List<String> between(List<String> old, List<String> young) {
        boolean tooLong = (long) old.size() * young.size() > PAIRS;
        int[][] shared = tooLong ? new int[0][0] : shared(old, young);
        List<String> lines = new ArrayList<>();
        int i = 0;
        int j = 0;
        while (i < old.size() || j < young.size()) {
            if (!tooLong && i < old.size() && j < young.size() && old.get(i).equals(young.get(j))) {
                i++;
                j++;
            } else if (i < old.size() && (tooLong || j == young.size() || shared[i + 1][j] >= shared[i][j + 1])) {
                lines.add("- " + old.get(i++));
            } else {
                lines.add("+ " + young.get(j++));
            }
        }
        return lines;
    }

    /** By where one is in both: how many of the lines from there on they share. */
    private static int[][] shared(List<String> old, List<String> young) {
        int[][] shared = new int[old.size() + 1][young.size() + 1];
        for (int i = old.size() - 1; i >= 0; i--) {
            for (int j = young.size() - 1; j >= 0; j--) {
                shared[i][j] = old.get(i).equals(young.get(j))
                        ? shared[i + 1][j + 1] + 1
                        : Math.max(shared[i + 1][j], shared[i][j + 1]);
            }
        }
        return shared;
    }
}
