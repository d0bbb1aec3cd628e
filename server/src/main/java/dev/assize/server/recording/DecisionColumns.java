package dev.assize.server.recording;

import java.util.SortedMap;
import java.util.TreeMap;

/** The query columns of a decision on record: their names as the store's table has them, and what they must hold. */
public final class DecisionColumns {

    public static final String DECISION_ID = "decision_id";
    public static final String DECIDED_AT = "decided_at";
    public static final String SUBJECT = "subject";
    public static final String ACTION = "action";
    public static final String RESOURCE = "resource";
    public static final String ENV = "env";
    public static final String ALLOWED = "allowed";
    public static final String REASON = "reason";

    private DecisionColumns() {}

    /** What a record's columns hold: names as they are, the time in microseconds since 1970, `true` or `false`. */
    public static SortedMap<String, String> of(byte[] record) {
        DecisionRecord content = DecisionCodec.decode(record);
        SortedMap<String, String> columns = new TreeMap<>();
        columns.put(DECISION_ID, content.decisionId());
        columns.put(DECIDED_AT, Long.toString(DecisionCodec.micros(content.decidedAt())));
        columns.put(SUBJECT, content.subject());
        columns.put(ACTION, content.action());
        columns.put(RESOURCE, content.resource());
        columns.put(ENV, content.env());
        columns.put(ALLOWED, Boolean.toString(content.reason().isAllow()));
        columns.put(REASON, content.reason().name());
        return columns;
    }
}
