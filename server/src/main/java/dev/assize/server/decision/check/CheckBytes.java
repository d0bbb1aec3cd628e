package dev.assize.server.decision.check;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Names;
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
    private static final byte[] GROUP = (Subject.GROUP_TYPE + ":").getBytes(StandardCharsets.UTF_8);

    private byte[] bytes = NONE;
    private int subjectOffset;
    private int subjectLength;
    private int resourceOffset;
    private int resourceLength;
    private int typeOffset;
    private int typeLength;
    private boolean hasType;
    private int actionOffset;
    private int actionLength;
    private int tenantOffset;
    private int tenantLength;
    private boolean defaultEnv = true;
    private int envOffset;
    private int envLength;

    /** Begins a question whose names are among these bytes, which are not changed before it is answered. */
    // Whether it is this very array, not one like it.
    @SuppressWarnings("ReferenceEquality")
    public void over(byte[] message) {
        // The collector charges for each reference that is written, and the questions of a batch are of one message.
        if (bytes != message) {
            bytes = message;
        }
        hasType = false;
        subjectLength = 0;
        resourceLength = 0;
        actionLength = 0;
        tenantLength = 0;
        defaultEnv = true;
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
        hasType = false;
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
        defaultEnv = length == 0;
        envOffset = offset;
        envLength = length;
    }

    /** The names of a question that is asked otherwise, for the same look-ups. */
    public static CheckBytes of(CheckQuery query) {
        String subject = query.subject().toString();
        String resource = query.resource().value();
        String action = query.action().value();
        String env = query.env().value();
        byte[] all = (subject + resource + action + env).getBytes(StandardCharsets.UTF_8);
        int subjectLength = subject.length();
        int resourceLength = resource.length();
        if (all.length > subjectLength + resourceLength + action.length() + env.length()) {
            // Not ASCII, which subjects and resources need not be.
            subjectLength = Names.utf8Length(subject);
            resourceLength = Names.utf8Length(resource);
        }
        CheckBytes names = new CheckBytes();
        names.over(all);
        names.subject(0, subjectLength);
        names.resource(subjectLength, resourceLength);
        names.action(subjectLength + resourceLength, action.length());
        names.env(all.length - env.length(), env.length());
        names.locate();
        return names;
    }

    /** Finds the type of what is acted upon, as far as its name is well-formed, and the environment that none means. */
    public void locate() {
        if (defaultEnv) {
            envOffset = 0;
            envLength = DEFAULT_ENV.length;
        }
        if (!hasType) {
            int start = resourceOffset + resourceLength;
            while (start > resourceOffset && bytes[start - 1] != '/') {
                start--;
            }
            setType(start);
        }
    }

    private void setType(int start) {
        typeOffset = start;
        typeLength = PlainNames.segmentType(bytes, start, resourceOffset + resourceLength);
        hasType = true;
    }

    /**
     * Whether the resource's name is a plain one, of which nothing is refused; it is short then, too, and may be looked up
     * by each of its segments. What is not may be well-formed still: {@link #query} tells.
     */
    public boolean hasPlainPath() {
        int start = PlainNames.lastSegment(bytes, resourceOffset, resourceLength);
        if (start < 0) {
            return false;
        }
        setType(start);
        return true;
    }

    /** Whether the names of environment and action are plain ones, too, once they are located. */
    public boolean hasPlainEnvironmentAndAction() {
        return PlainNames.isTenant(envBytes(), envOffset, envLength)
                && PlainNames.isAction(bytes, actionOffset, actionLength);
    }

    /** Whether the subject's name is a plain one, if it is one of no group. */
    public boolean hasPlainSubject() {
        return PlainNames.isSubject(bytes, subjectOffset, subjectLength);
    }

    /** Whether the subject's name begins as a group's, which asks nothing. */
    public boolean namesGroup() {
        if (subjectLength < GROUP.length) {
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
     * The same question in a form that keeps, once its names are located.
     *
     * @throws dev.assize.server.model.MalformedException for a name that is none
     */
    public CheckQuery query(TenantId tenant) {
        return new CheckQuery(
                Subject.parseOfRequest(text(bytes, subjectOffset, subjectLength)),
                ResourcePath.parse(text(bytes, resourceOffset, resourceLength)),
                new Action(text(bytes, actionOffset, actionLength)),
                tenant,
                Environment.ofRequest(text(envBytes(), envOffset, envLength)),
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
        return PlainNames.segmentType(bytes, subjectOffset, subjectOffset + subjectLength);
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
        return defaultEnv ? DEFAULT_ENV : bytes;
    }

    public int envOffset() {
        return envOffset;
    }

    public int envLength() {
        return envLength;
    }
}
