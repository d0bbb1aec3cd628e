package dev.assize.server.policy.condition;

/** What a document declares of an attribute: its type, and where its value may come from. */
public record AttributeDeclaration(AttributeType type, Source source) {

    /** Where a value may come from. */
    public enum Source {
        /** The policy's own Subject and Resource documents; what a request says is not read. */
        STORED,
        /** The request. */
        REQUEST,
        /** Both; what is stored wins. */
        EITHER
    }
}
