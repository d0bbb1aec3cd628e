package assize

import (
	"maps"
	"time"

	"assize.dev/client-sdk/go/assizev1"
)

// Decision is what the server said; read Result.Allowed to act.
type Decision string

const (
	DecisionAllow       Decision = "ALLOW"
	DecisionDeny        Decision = "DENY"
	DecisionUnspecified Decision = "UNSPECIFIED" // an answer, and neither of the two
	DecisionNone        Decision = "NONE"        // no answer
)

// Result is an allow, or a deny that says why. The zero Result is a deny.
type Result struct {
	// Allowed is whether to go ahead, carrying out the obligations.
	Allowed bool

	// Failure is empty where the server's answer stands as it is, and else names why Allowed is false.
	Failure Failure

	// Err is what a call failed with; nil where there was an answer.
	Err *Error

	Decision        Decision
	Reason          string // the server's, for example ALLOWED or NO_GRANT; empty where there is no answer
	DelegatorReason string // with DELEGATOR_DENIED: why the one on whose behalf it was asked is denied
	DecidedBy       DecidedBy
	DecisionID      string // to be handed on in the event of what is then done
	ApprovalID      string // the single-use approval that an allow rests on

	Revision         int64
	PlatformRevision int64
	ValidUntil       time.Time // zero where the answer is good for this moment only
	Historical       bool
	Cached           bool // from the client's cache

	// Obligations are duties on an allow, and advice on a deny.
	Obligations []Obligation

	// Explanation is there when it was asked.
	Explanation *assizev1.Explanation
}

// DecidedBy is what decided: a binding with its role and permission, or else a freeze, a separation of duty or an
// approval rule. All are names; empty where nothing in the policy did.
type DecidedBy struct {
	Binding, Role, Rule, Freeze, SeparationOfDuty, ApprovalRule string
}

// Obligation is a duty that comes with an allow, or advice with a deny.
type Obligation struct {
	ID         string
	Type       string
	Properties map[string]string
}

// UseApproval is the type of the obligation to use up the approval that an allow rests on.
const UseApproval = "assize/use-approval"

// Why says in one sentence why it is not allowed; empty where it is.
func (r Result) Why() string {
	switch {
	case r.Allowed:
		return ""
	case r.Err != nil:
		return "denied, because there was no answer: " + r.Err.Error()
	case r.Failure == FailureUnknownObligation:
		return "denied, because it is allowed only under an obligation that is not known here"
	case r.Failure == FailureHistorical:
		return "denied, because the answer is about the past"
	case r.Failure != FailureNone:
		return "denied, because the decision is neither an allow nor a deny"
	default:
		return "denied: " + r.Reason
	}
}

// failed is the deny of a call that brought no answer. A failure without a word of its own here is INTERNAL.
func failed(err *Error) Result {
	failure := err.Failure
	if failure == FailureAlreadyExists || failure == FailureFailedPrecondition {
		failure = FailureInternal
	}
	return Result{Failure: failure, Err: err, Decision: DecisionNone}
}

// judge is the one place where an answer becomes an allow. Who asked about the past may not act on the answer, whatever
// it says of itself.
func (c *Client) judge(request *assizev1.CheckRequest, answer *assizev1.CheckResponse, cached bool) Result {
	result := read(answer)
	result.Cached = cached
	switch {
	case result.Decision == DecisionUnspecified:
		result.Failure = FailureUnspecified
	case result.Decision != DecisionAllow:
	case result.Historical || isAboutThePast(request):
		result.Failure = FailureHistorical
	case !c.knows(result.Obligations):
		result.Failure = FailureUnknownObligation
	default:
		result.Allowed = true
	}
	return result
}

func (c *Client) knows(obligations []Obligation) bool {
	for _, obligation := range obligations {
		if _, known := c.options.obligations[obligation.Type]; !known {
			return false
		}
	}
	return true
}

func read(answer *assizev1.CheckResponse) Result {
	by := answer.GetDecidedBy()
	result := Result{
		Decision:        decisionOf(answer.GetDecision()),
		Reason:          reasonOf(answer.GetReason()),
		DelegatorReason: reasonOf(answer.GetDelegatorReason()),
		DecidedBy: DecidedBy{
			Binding:          by.GetBinding(),
			Role:             by.GetRole(),
			Rule:             by.GetRule(),
			Freeze:           by.GetFreeze(),
			SeparationOfDuty: by.GetSeparationOfDuty(),
			ApprovalRule:     by.GetApprovalRule(),
		},
		DecisionID:       answer.GetDecisionId(),
		ApprovalID:       answer.GetApprovalId(),
		Revision:         answer.GetRevision(),
		PlatformRevision: answer.GetPlatformRevision(),
		Historical:       answer.GetHistorical(),
		Explanation:      answer.GetExplanation(),
	}
	if until := answer.GetValidUntil(); until != nil {
		result.ValidUntil = until.AsTime()
	}
	for _, obligation := range answer.GetObligations() {
		result.Obligations = append(result.Obligations, Obligation{
			ID:         obligation.GetId(),
			Type:       obligation.GetType(),
			Properties: maps.Clone(obligation.GetProperties()),
		})
	}
	return result
}

func decisionOf(decision assizev1.Decision) Decision {
	switch decision {
	case assizev1.Decision_DECISION_ALLOW:
		return DecisionAllow
	case assizev1.Decision_DECISION_DENY:
		return DecisionDeny
	default:
		return DecisionUnspecified
	}
}

// reasonOf is the name without its prefix; empty for none and for one that this version does not know.
func reasonOf(reason assizev1.Reason) string {
	name, known := assizev1.Reason_name[int32(reason)]
	if !known || reason == assizev1.Reason_REASON_UNSPECIFIED {
		return ""
	}
	return name[len("REASON_"):]
}
