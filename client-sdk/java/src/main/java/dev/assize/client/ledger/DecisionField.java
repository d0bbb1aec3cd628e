package dev.assize.client.ledger;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The fields of a decision's record of version 1. */
public enum DecisionField {
    SALT(1, Form.SALT, true),
    DECISION_ID(2, Form.TEXT, true),
    DECIDED_AT(3, Form.I64, true),
    CALLER(4, Form.TEXT, true),
    CALLER_TENANT(5, Form.TEXT, true),
    SUBJECT(6, Form.TEXT, true),
    SUBJECT_TENANT(7, Form.TEXT, true),
    ON_BEHALF_OF(8, Form.TEXT, false),
    ON_BEHALF_OF_TENANT(9, Form.TEXT, false),
    ACTION(10, Form.TEXT, true),
    RESOURCE(11, Form.TEXT, true),
    ENV(12, Form.TEXT, true),
    RUN_ID(13, Form.TEXT, false),
    ACTIVE_ROLES(14, Form.TEXTS, false),
    DECISION(15, Form.U8, true),
    REASON(16, Form.TEXT, true),
    DELEGATOR_REASON(17, Form.TEXT, false),
    BINDING(18, Form.TEXT, false),
    ROLE(19, Form.TEXT, false),
    RULE(20, Form.U32, false),
    FREEZE(21, Form.TEXT, false),
    SEPARATION_OF_DUTY(22, Form.TEXT, false),
    APPROVAL_RULE(23, Form.TEXT, false),
    REVISION(24, Form.U64, true),
    PLATFORM_REVISION(25, Form.U64, true),
    APPROVAL_ID(26, Form.TEXT, false),
    OBLIGATIONS(27, Form.TEXTS, false),
    ATTRIBUTES(28, Form.HASH, false),
    TRACE_CONTEXT(29, Form.TEXT, false);

    private static final Map<Integer, DecisionField> BY_NUMBER =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(DecisionField::number, Function.identity()));

    private final int number;
    private final Form form;
    private final boolean required;

    DecisionField(int number, Form form, boolean required) {
        this.number = number;
        this.form = form;
        this.required = required;
    }

    /** The number that stands in the record. */
    public int number() {
        return number;
    }

    Form form() {
        return form;
    }

    boolean isRequired() {
        return required;
    }

    static Optional<DecisionField> ofNumber(int number) {
        return Optional.ofNullable(BY_NUMBER.get(number));
    }

    /** How a value is written. */
    enum Form {
        TEXT,
        TEXTS,
        U8,
        U32,
        U64,
        I64,
        SALT,
        HASH
    }
}
