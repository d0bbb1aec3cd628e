package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.condition.Condition;
import dev.assize.server.prompt.Prompt;

/** What a decision costs that others wait for: it is given up before it costs too much, and made where there is time. */
final class Effort {

    /** Steps of a condition that is compiled to plain comparisons, with what it looks up. */
    static final int CONDITION = 16;

    private Effort() {}

    /** To be called before so many grants are looked at. */
    static void grants(int count) {
        Prompt.spend(count);
    }

    static Condition.Verdict ask(Condition when, Facts facts) {
        if (when.isInterpreted()) {
            Prompt.requireTime();
        }
        Prompt.spend(CONDITION);
        return when.evaluate(facts);
    }
}
