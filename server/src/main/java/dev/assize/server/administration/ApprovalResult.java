package dev.assize.server.administration;

import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.decision.approval.Standing;
import dev.assize.server.model.Reason;
import java.util.List;

/** What became of a call about an approval. */
public sealed interface ApprovalResult {

    /** It was done, now or when the same was asked before: the request as it is, and where it stands. */
    record Done(FiledApproval approval, Standing standing) implements ApprovalResult {}

    /** There is no request of that id. */
    record NotFound() implements ApprovalResult {}

    /** What is to be approved names something that the tenant does not have; the reason says what. */
    record Unknown(Reason reason) implements ApprovalResult {}

    /** No approval rule covers it: it needs no approval, and there is nobody to give one. */
    record NotNeeded() implements ApprovalResult {}

    /** More rules cover it than a request can pin. */
    record TooManyRules(int count) implements ApprovalResult {}

    /** As many requests are open as a tenant may have. */
    record Full() implements ApprovalResult {}

    /** The idempotency key was used before with other content. */
    record KeyReused() implements ApprovalResult {}

    /** The approver asked for it, or benefits from it. */
    record OwnRequest() implements ApprovalResult {}

    /** The approver was heard already. */
    record VotedAlready() implements ApprovalResult {}

    /**
     * The approver may not approve it.
     *
     * @param why by rule what stands against it, in sentences for people; or the one thing that holds for all rules
     */
    record NotEligible(List<String> why) implements ApprovalResult {
        public NotEligible {
            why = List.copyOf(why);
        }
    }

    /** It takes another to do this: its requester, or the subject it is for. */
    record NotTheirs(String expected) implements ApprovalResult {}

    /** It does not stand where this can be done. */
    record WrongState(ApprovalState state, String expected) implements ApprovalResult {}

    /** As much was said to it as is kept. */
    record CommentsFull() implements ApprovalResult {}

    /** It may be used as often as it takes, and is not used up. */
    record NotSingleUse() implements ApprovalResult {}
}
