package dev.assize.server.administration;

import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.model.Digest;
import java.util.List;

/** How a step of a proposal ended. */
public sealed interface ProposalResult {

    /**
     * Done, or done before.
     *
     * @param base what it is judged against by now
     * @param needed how many must accept it
     * @param replayed whether an earlier request under the same key proposed it
     */
    record Done(FiledProposal proposal, State state, Base base, int needed, boolean replayed)
            implements ProposalResult {}

    record NotFound() implements ProposalResult {}

    /** The key was used for another proposal. */
    record KeyReused(String key) implements ProposalResult {}

    /** As many wait as may. */
    record Full(int limit) implements ProposalResult {}

    /** It would change nothing. */
    record NothingToChange() implements ProposalResult {}

    /** Refused as the same change would be, had it been applied. */
    record Refused(ChangeResult result) implements ProposalResult {}

    /** Nobody decides about what is theirs. */
    record Own() implements ProposalResult {}

    /** Only whoever proposed it takes it back. */
    record NotTheirs() implements ProposalResult {}

    /** Whose word does not count at present. */
    record NotEligible(List<String> why) implements ProposalResult {}

    /** Policy is not what it was when the proposal was looked at. */
    record Moved(Digest digest, Base base) implements ProposalResult {}

    /** As much was said to it as is kept. */
    record CommentsFull() implements ProposalResult {}

    /** It is over. */
    record WrongState(State state) implements ProposalResult {}
}
