package dev.assize.server.policy.condition;

/** A condition that compiled: a pure function of what a request shows it. */
public interface Condition {

    /** As it was written. */
    String text();

    Verdict evaluate(ConditionInput input);

    /** Looks at everything that it names, also at what its value does not need this time. */
    void lookUpAll(ConditionInput input);

    /** Whether its value may change with the clock, or with attributes and the context that come with a request. */
    boolean readsNowOrAttributes();

    /** Whether it takes the interpreter, and so perhaps long: up to all that {@link ConditionLimits} let it. */
    boolean isInterpreted();

    /** What a condition says. */
    sealed interface Verdict {

        Verdict TRUE = new Holds();
        Verdict FALSE = new Fails();

        /** It is true. */
        record Holds() implements Verdict {}

        /** It is false. */
        record Fails() implements Verdict {}

        /**
         * It could not be evaluated.
         *
         * @param message why, for people
         */
        record Broken(String message) implements Verdict {}
    }
}
