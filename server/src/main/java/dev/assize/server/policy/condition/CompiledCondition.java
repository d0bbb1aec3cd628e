package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.util.List;

/** A condition whose every failure is a verdict. */
record CompiledCondition(String text, boolean readsNowOrAttributes, List<Mention> mentions, Predicate predicate)
        implements Condition {

    /** Errors too: a stack that overflows or a class that is missing must end in a deny, and not in the caller. */
    @Override
    public Verdict evaluate(ConditionInput input) {
        try {
            return predicate.test(input);
        } catch (RuntimeException | StackOverflowError | LinkageError failure) {
            return new Broken("it failed with " + failure.getClass().getSimpleName());
        }
    }

    @Override
    public void lookUpAll(ConditionInput input) {
        mentions.forEach(mention -> mention.lookUp(input));
    }

    @Override
    public boolean isInterpreted() {
        return predicate instanceof Interpreted;
    }

    @Override
    public String toString() {
        return text;
    }
}
