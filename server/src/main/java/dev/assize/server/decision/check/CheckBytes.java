package dev.assize.server.decision.check;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PlainNames;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;

/**
 * A question that names nothing but what every question names, as UTF-8 bytes that somebody else holds, for example a
 * message as it came. Used again and again by one thread: {@link #over} begins a question, and the names that are not
 * given are empty. Says which bytes are which name, and whether they are names at all; the questions of a {@link
 * CheckQuery} are given this form to be looked up.
 */
public final class CheckBytes {

    private static final byte[] NONE = {};
    private static final byte[] DEFAULT_ENV = Environment.DEFAULT.value().getBytes(StandardCharsets.UTF_8);
    private static final byte[] GROUP = Subject.GROUP_TYPE.getBytes(StandardCharsets.UTF_8);

    private byte[] bytes = NONE;
    private int subjectOffset;
    private int subjectLength;
    private int subjectTypeLength;
    private int resourceOffset;
    private int resourceLength;
    private int typeOffset;
    private int typeLength;
    private int actionOffset;
    private int actionLength;
    private int tenantOffset;
    private int tenantLength;
    private byte[] envBytes = DEFAULT_ENV;
    private int envOffset;
    private int envLength;

    /** Begins a question whose names are among these bytes, which are not changed before it is answered. */
    public void over(byte[] message) {
        bytes = message;
        subjectLength = 0;
        resourceLength = 0;
        actionLength = 0;
        tenantLength = 0;
        envLength = 0;
        subjectOffset = 0;
        resourceOffset = 0;
        actionOffset = 0;
        tenantOffset = 0;
        envOffset = 0;
    }

    public void subject(int offset, int length) {
        subjectOffset = offset;
        subjectLength = length;
    }

    public void resource(int offset, int length) {
        resourceOffset = offset;
        resourceLength = length;
    }

    public void action(int offset, int length) {
        actionOffset = offset;
        actionLength = length;
    }

    public void tenant(int offset, int length) {
        tenantOffset = offset;
        tenantLength = length;
    }

    /** Empty means the default one. */
    public void env(int offset, int length) {
        envOffset = offset;
        envLength = length;
    }

    /** The names of a question that is asked otherwise, for the same look-ups. */
    public static CheckBytes of(CheckQuery query) {
        byte[] subject = utf8(query.subject().toString());
        byte[] resource = utf8(query.resource().value());
        byte[] action = utf8(query.action().value());
        byte[] env = utf8(query.env().value());
        byte[] all = new byte[subject.length + resource.length + action.length + env.length];
        CheckBytes names = new CheckBytes();
        names.over(all);
        int at = 0;
        names.subject(at, subject.length);
        at = put(all, at, subject);
        names.resource(at, resource.length);
        at = put(all, at, resource);
        names.action(at, action.length);
        at = put(all, at, action);
        names.env(at, env.length);
        put(all, at, env);
        names.envBytes = all;
        names.subjectTypeLength = query.subject().type().length();
        names.typeOffset = names.resourceOffset + lastSlash(resource) + 1;
        names.typeLength = query.resource().type().length();
        return names;
    }

    private static byte[] utf8(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private static int put(byte[] all, int at, byte[] name) {
        System.arraycopy(name, 0, all, at, name.length);
        return at + name.length;
    }

    private static int lastSlash(byte[] path) {
        int last = path.length - 1;
        while (last >= 0 && path[last] != '/') {
            last--;
        }
        return last;
    }

    /**
     * Reads the names, but for the tenant's; whether they are plain ones, of which nothing is refused. What is not may be
     * well-formed still: {@link #query} tells.
     */
    public boolean isPlain() {
        envBytes = envLength == 0 ? DEFAULT_ENV : bytes;
        if (envLength == 0) {
            envOffset = 0;
            envLength = DEFAULT_ENV.length;
        } else if (!PlainNames.isTenant(bytes, envOffset, envLength)) {
            return false;
        }
        if (!PlainNames.isAction(bytes, actionOffset, actionLength)) {
            return false;
        }
        subjectTypeLength = PlainNames.subjectType(bytes, subjectOffset, subjectLength);
        typeOffset = PlainNames.lastSegment(bytes, resourceOffset, resourceLength);
        if (subjectTypeLength < 0 || typeOffset < 0 || isGroup()) {
            return false;
        }
        typeLength = PlainNames.segmentType(bytes, typeOffset, resourceOffset + resourceLength);
        return true;
    }

    private boolean isGroup() {
        if (subjectTypeLength != GROUP.length) {
            return false;
        }
        for (int i = 0; i < GROUP.length; i++) {
            if (bytes[subjectOffset + i] != GROUP[i]) {
                return false;
            }
        }
        return true;
    }

    /**
     * The same question in a form that keeps.
     *
     * @throws dev.assize.server.model.MalformedException for a name that is none
     */
    public CheckQuery query(TenantId tenant) {
        return new CheckQuery(
                Subject.parseOfRequest(text(bytes, subjectOffset, subjectLength)),
                ResourcePath.parse(text(bytes, resourceOffset, resourceLength)),
                new Action(text(bytes, actionOffset, actionLength)),
                tenant,
                Environment.ofRequest(text(envLength == 0 ? NONE : envBytes(), envOffset, envLength)),
                tenant);
    }

    private static String text(byte[] bytes, int offset, int length) {
        return new String(bytes, offset, length, StandardCharsets.UTF_8);
    }

    /** Where all names are, but for the environment's. */
    public byte[] bytes() {
        return bytes;
    }

    public int subjectOffset() {
        return subjectOffset;
    }

    public int subjectLength() {
        return subjectLength;
    }

    /** Of the subject's type, with which it begins. */
    public int subjectTypeLength() {
        return subjectTypeLength;
    }

    public int resourceOffset() {
        return resourceOffset;
    }

    public int resourceLength() {
        return resourceLength;
    }

    /** Of the type of what is acted upon. */
    public int typeOffset() {
        return typeOffset;
    }

    public int typeLength() {
        return typeLength;
    }

    public int actionOffset() {
        return actionOffset;
    }

    public int actionLength() {
        return actionLength;
    }

    public int tenantOffset() {
        return tenantOffset;
    }

    public int tenantLength() {
        return tenantLength;
    }

    /** Where the environment's name is: a request may leave it to the default. */
    public byte[] envBytes() {
        return envBytes;
    }

    public int envOffset() {
        return envOffset;
    }

    public int envLength() {
        return envLength;
    }
}
