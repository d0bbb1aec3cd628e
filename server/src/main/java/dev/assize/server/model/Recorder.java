package dev.assize.server.model;

/** The authenticated caller that has an entry recorded; no request can set it. */
public record Recorder(Subject caller, TenantId home) {

    /** Assize itself, where no caller asked. */
    public static final Recorder ASSIZE = new Recorder(new Subject("service", "assize"), TenantId.ASSIZE);
}
