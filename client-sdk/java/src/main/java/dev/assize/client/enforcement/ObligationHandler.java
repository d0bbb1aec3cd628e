package dev.assize.client.enforcement;

import dev.assize.client.CheckResult;
import dev.assize.client.Obligation;

/** Carries out obligations of one type. */
@FunctionalInterface
public interface ObligationHandler {

    /**
     * Does what an allow asks for, before what was allowed is done. Whatever it throws turns the allow into a deny.
     *
     * @param result the allow that it comes with
     */
    void carryOut(Obligation obligation, CheckResult result) throws Exception;
}
