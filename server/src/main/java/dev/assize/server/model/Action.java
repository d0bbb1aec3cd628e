package dev.assize.server.model;

import java.util.regex.Pattern;

/** What is to be done, case-sensitive. */
public record Action(String value) implements Comparable<Action> {

    /** What an action's name looks like. */
    public static final String EXPECTED = "an action, `[A-Za-z][A-Za-z0-9_.:-]{0,127}`";

    private static final Pattern FORM = Pattern.compile("[A-Za-z][A-Za-z0-9_.:-]{0,127}");

    public Action {
        if (!FORM.matcher(value).matches()) {
            throw new MalformedException(value, EXPECTED);
        }
    }

    @Override
    public int compareTo(Action other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
