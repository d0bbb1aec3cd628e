package dev.assize.server.policy;

import java.util.Arrays;
import java.util.Optional;

/** The kinds of policy documents, in the order in which they are listed. */
public enum Kind {
    TENANT("Tenant"),
    RESOURCE_TYPE("ResourceType"),
    ROLE("Role"),
    GROUP("Group"),
    ROLE_BINDING("RoleBinding"),
    SUBJECT("Subject"),
    RESOURCE("Resource"),
    SEPARATION_OF_DUTY("SeparationOfDuty"),
    APPROVAL_RULE("ApprovalRule"),
    FREEZE("Freeze");

    private final String text;

    Kind(String text) {
        this.text = text;
    }

    /** As documents write it. */
    public String text() {
        return text;
    }

    public static Optional<Kind> ofText(String text) {
        return Arrays.stream(values()).filter(kind -> kind.text.equals(text)).findFirst();
    }
}
