package dev.assize.client.ledger;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The fields of frames of version 1. */
public enum FrameField {
    ORIGIN(1, Form.TEXT, Presence.ALWAYS),
    INCARNATION(2, Form.U32, Presence.ALWAYS),
    SEQ(3, Form.U64, Presence.ALWAYS),
    PREV_HASH(4, Form.HASH, Presence.ALWAYS),
    RECORDED_AT(5, Form.I64, Presence.ALWAYS),
    RECORDED_BY(6, Form.TEXT, Presence.ALWAYS),
    RECORDED_BY_TENANT(7, Form.TEXT, Presence.ALWAYS),
    TYPE(8, Form.TEXT, Presence.ALWAYS),
    CATEGORY(16, Form.TEXT, Presence.OPTIONAL),
    ACTOR(17, Form.TEXT, Presence.UNLESS_COMMITTED),
    ACTOR_TENANT(18, Form.TEXT, Presence.OPTIONAL),
    ON_BEHALF_OF(19, Form.TEXT, Presence.OPTIONAL),
    ROLE(20, Form.TEXT, Presence.OPTIONAL),
    ACTION(21, Form.TEXT, Presence.UNLESS_COMMITTED),
    RESOURCE(22, Form.TEXT, Presence.UNLESS_COMMITTED),
    ENV(23, Form.TEXT, Presence.UNLESS_COMMITTED),
    OUTCOME(24, Form.U8, Presence.UNLESS_COMMITTED),
    OCCURRED_AT(25, Form.I64, Presence.OPTIONAL),
    RUN_ID(26, Form.TEXT, Presence.OPTIONAL),
    DECISION_ID(27, Form.TEXT, Presence.OPTIONAL),
    REASON(28, Form.TEXT, Presence.OPTIONAL),
    OVERRIDE(29, Form.U8, Presence.OPTIONAL),
    PAYLOAD(30, Form.TEXT, Presence.OPTIONAL),
    READS(31, Form.TEXTS, Presence.OPTIONAL),
    WRITES(32, Form.TEXTS, Presence.OPTIONAL),
    TRACE_CONTEXT(33, Form.TEXT, Presence.OPTIONAL),
    MASKED(34, Form.TEXTS, Presence.OPTIONAL),
    IDEMPOTENCY_KEY(35, Form.TEXT, Presence.OPTIONAL),
    PAYLOAD_COMMITMENTS(36, Form.COMMITMENTS, Presence.OPTIONAL);

    private static final Map<Integer, FrameField> BY_NUMBER =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(FrameField::number, Function.identity()));

    private final int number;
    private final Form form;
    private final Presence presence;

    FrameField(int number, Form form, Presence presence) {
        this.number = number;
        this.form = form;
        this.presence = presence;
    }

    /** The number that stands in the frame. */
    public int number() {
        return number;
    }

    Form form() {
        return form;
    }

    /** Whether a commitment may stand in its place. */
    boolean canBeCommittedTo() {
        return number >= CATEGORY.number && number <= IDEMPOTENCY_KEY.number;
    }

    Presence presence() {
        return presence;
    }

    static Optional<FrameField> ofNumber(int number) {
        return Optional.ofNullable(BY_NUMBER.get(number));
    }

    /** As the format page names it. */
    static Optional<FrameField> ofName(String name) {
        return Arrays.stream(values())
                .filter(field -> field.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst();
    }

    /** How a value is written. */
    enum Form {
        TEXT,
        TEXTS,
        U8,
        U32,
        U64,
        I64,
        HASH,
        COMMITMENTS
    }

    /** When a field must be there. */
    enum Presence {
        ALWAYS,
        UNLESS_COMMITTED,
        OPTIONAL
    }
}
