package dev.assize.server.policy.condition;

/** A compiled expression, or a part of one that is a bool. */
interface Predicate {

    Condition.Verdict test(ConditionInput input);
}
