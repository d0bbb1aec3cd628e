package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.Condition.Verdict;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;

/** An expression that the interpreter of the language evaluates. */
record Interpreted(CelRuntime.Program program, Declarations declarations) implements Predicate {

    @Override
    public Verdict test(ConditionInput input) {
        try {
            return verdict(program.eval(new Bindings(input, declarations)));
        } catch (CelEvaluationException failure) {
            return new Broken(FailureText.of(failure));
        }
    }

    private static Verdict verdict(Object value) {
        if (value instanceof Boolean truth) {
            return truth ? Verdict.TRUE : Verdict.FALSE;
        }
        return new Broken("it is " + Readings.typeName(value) + ", and bool is needed");
    }
}
