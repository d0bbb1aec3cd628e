package dev.assize.server.cli;

import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * What somebody may have meant who mistyped a command or an option. Only what is at most about a third of its letters away is
 * offered (Levenshtein distance): a guess that shares nothing with the word misleads more than none.
 */
final class Suggestions {

    private Suggestions() {}

    /** A line for people; empty where nothing is close. */
    static Optional<String> of(ParameterException failure) {
        if (!(failure instanceof UnmatchedArgumentException unmatched)
                || unmatched.getUnmatched().isEmpty()) {
            return Optional.empty();
        }
        String word = unmatched.getUnmatched().getFirst();
        List<String> close = unmatched.getSuggestions().stream()
                .filter(it -> distance(word, it) <= Math.max(1, (it.length() + 2) / 3))
                .toList();
        return close.isEmpty() ? Optional.empty() : Optional.of("Did you mean " + String.join(" or ", close) + "?");
    }

    private static int distance(String one, String other) {
        int[] row = new int[other.length() + 1];
        for (int i = 0; i < row.length; i++) {
            row[i] = i;
        }
        for (int i = 1; i <= one.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int replaced = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[other.length()];
    }
}
