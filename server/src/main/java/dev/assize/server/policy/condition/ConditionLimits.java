package dev.assize.server.policy.condition;

import dev.assize.server.model.Limits;

/**
 * The bounds of a condition, each tested at its edge. What stands in the text is judged when it is written, and refuses
 * the change; what only values can exceed breaks the evaluation.
 */
public final class ConditionLimits {

    /** Bytes of an expression in UTF-8. */
    public static final int EXPRESSION_BYTES = 4 * 1_024;

    /** Levels of its syntax tree. Chains of `&&` and of `||` are balanced, and count as their logarithm. */
    public static final int NESTING = 32;

    /** How deep `all`, `exists`, `exists_one`, `filter` and `map` may stand within one another. */
    public static final int COMPREHENSIONS = 2;

    /** The estimated worst cost, in steps of evaluation. */
    public static final long COST = 250_000;

    /** How many elements the estimate gives to a list or map that is not written out. */
    public static final int ASSUMED_ELEMENTS = 100;

    /** How long the estimate takes a text to be that is not written out. */
    public static final int ASSUMED_TEXT = Limits.ATTRIBUTE_BYTES;

    /** Characters for which the estimate charges a step. */
    public static final int TEXT_PER_STEP = 100;

    /** Elements that all comprehensions of one evaluation visit together. */
    public static final int ITERATIONS = 10_000;

    /** Characters of the pattern of `matches`, which is always written out. */
    public static final int PATTERN_LENGTH = 128;

    /** Instructions into which a pattern may compile. */
    public static final int PATTERN_PROGRAM = 1_000;

    /** Size of one attribute's value: characters of its texts, and one for each value that it consists of. */
    public static final int VALUE_SIZE = 2 * Limits.ATTRIBUTE_BYTES;

    private ConditionLimits() {}
}
