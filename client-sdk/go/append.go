package assize

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Outcome is how what was done ended.
type Outcome string

const (
	OutcomeSuccess Outcome = "SUCCESS"
	OutcomeFailure Outcome = "FAILURE"
	OutcomeDenied  Outcome = "DENIED"
	OutcomePartial Outcome = "PARTIAL"
)

// Event is something that was done, or tried.
type Event struct {
	Type        string // for example replay.executed
	Category    string
	Actor       string // empty: the caller; another needs the permission act-as
	ActorTenant string // the actor's home; empty: the ledger's tenant
	OnBehalfOf  string
	Role        string
	Action      string
	Resource    string
	Env         string // empty: the client's
	Outcome     Outcome
	OccurredAt  time.Time // zero: when it is recorded
	RunID       string
	DecisionID  string // Result.DecisionID of the decision it rests on
	Reason      string
	Override    bool     // elevated privileges were used
	Payload     string   // a JSON value, at most 8 KiB
	Reads       []string // URIs of records read
	Writes      []string // URIs of records written
	Erasable    []string // which of payload, reason and on_behalf_of may have to be erased later
}

// Append is events to be recorded together, all or nothing.
type Append struct {
	Tenant string  // empty: the client's
	Events []Event // 1 to 500

	// IdempotencyKey has one content recorded once, however often it is sent. Without one the client makes one for the
	// call, so that its own retries record nothing twice.
	IdempotencyKey string

	// Acknowledgement is with what the caller is content; empty: AcknowledgementInLedger. Who sends the same again under its
	// key asks for the same.
	Acknowledgement Acknowledgement
}

// Acknowledgement is when an append is answered.
type Acknowledgement string

const (
	// AcknowledgementInLedger is when the events are in the ledger, for good.
	AcknowledgementInLedger Acknowledgement = "IN_LEDGER"

	// AcknowledgementSpooled is when they are on the disk of the sidecar that is asked, for good; it forwards them to the
	// ledger in the order in which they came. A server that is no sidecar answers when they are in the ledger, and so does a
	// sidecar where a separation of duty has to know of the action.
	AcknowledgementSpooled Acknowledgement = "SPOOLED"
)

// SpoolPosition is where events stand in the spool of a sidecar, until they are in the ledger.
type SpoolPosition struct {
	SpoolID string
	Number  int64 // from 1, each append one more than the one before
}

// Receipt is where an event stands in the ledger: what a proof is held to later.
type Receipt struct {
	Seq        int64
	EntryHash  []byte // SHA-256(0x00 || frame)
	RecordedAt time.Time
}

// Appended is what AppendAudit recorded.
type Appended struct {
	Receipts        []Receipt // one for each event, in their order; none where they are spooled
	IdempotencyKey  string
	Replayed        bool            // the key had been used before with the same content: these are the first answer's receipts
	Acknowledgement Acknowledgement // which it was: only AcknowledgementInLedger unless the other was asked for
	Spooled         *SpoolPosition  // nil where they are in the ledger
}

// AppendAudit records events, and returns when they are durable: in the ledger, or on the disk of a sidecar where
// Append.Acknowledgement is content with that. It tries again until it knows whether they are, or the
// time is up. The error is an *Error; where its Failure is FailureUnavailable, FailureDeadlineExceeded, FailureCancelled or
// FailureInternal nobody knows whether they were recorded, and the same may be sent again under its IdempotencyKey.
func (c *Client) AppendAudit(ctx context.Context, what Append) (Appended, error) {
	ctx, cancel := within(ctx, c.options.callDeadline)
	defer cancel()
	tenant := or(what.Tenant, c.options.tenant)
	ctx, end := c.options.tracing.Start(ctx, "assize.append_audit", tenant)
	request := &assizev1.AppendAuditRequest{Tenant: tenant, IdempotencyKey: or(what.IdempotencyKey, rand.Text())}
	appended, failure := c.appendAudit(ctx, request, what)
	if failure != nil {
		failure.IdempotencyKey = request.IdempotencyKey
		end(string(failure.Failure), failure)
		return Appended{}, failure
	}
	end("APPENDED", nil)
	return appended, nil
}

func (c *Client) appendAudit(ctx context.Context, request *assizev1.AppendAuditRequest, what Append) (Appended, *Error) {
	switch what.Acknowledgement {
	case "", AcknowledgementInLedger:
	case AcknowledgementSpooled:
		request.Acknowledgement = assizev1.Acknowledgement_ACKNOWLEDGEMENT_SPOOLED
	default:
		return Appended{}, invalid(fmt.Errorf("acknowledgement %q: expected IN_LEDGER or SPOOLED", what.Acknowledgement))
	}
	for i, event := range what.Events {
		wire, err := c.event(event)
		if err != nil {
			return Appended{}, invalid(fmt.Errorf("events[%d]: %w", i, err))
		}
		request.Events = append(request.Events, wire)
	}
	response := &assizev1.AppendAuditResponse{}
	method := assizev1.LedgerService_AppendAudit_FullMethodName
	if failure := c.call(ctx, method, request, response, recording); failure != nil {
		return Appended{}, failure
	}
	appended := Appended{IdempotencyKey: request.IdempotencyKey, Replayed: response.Replayed}
	failure := appended.read(request, response)
	return appended, failure
}

// read takes what the answer confirms. Whoever asked for the ledger is not content with a disk.
func (a *Appended) read(request *assizev1.AppendAuditRequest, response *assizev1.AppendAuditResponse) *Error {
	switch response.Acknowledgement {
	case assizev1.Acknowledgement_ACKNOWLEDGEMENT_UNSPECIFIED, assizev1.Acknowledgement_ACKNOWLEDGEMENT_IN_LEDGER:
		return a.inLedger(len(request.Events), response)
	case assizev1.Acknowledgement_ACKNOWLEDGEMENT_SPOOLED:
		if request.Acknowledgement != assizev1.Acknowledgement_ACKNOWLEDGEMENT_SPOOLED {
			return malformed("the events are spooled, and were to be in the ledger")
		}
		return a.inSpool(response)
	default:
		return malformed("acknowledgement %d is not known here", response.Acknowledgement)
	}
}

func (a *Appended) inLedger(events int, response *assizev1.AppendAuditResponse) *Error {
	if len(response.Entries) != events || response.Spooled != nil {
		return malformed("%d receipts for %d events", len(response.Entries), events)
	}
	a.Acknowledgement = AcknowledgementInLedger
	for _, entry := range response.Entries {
		a.Receipts = append(a.Receipts, Receipt{
			Seq:        entry.Seq,
			EntryHash:  entry.EntryHash,
			RecordedAt: entry.RecordedAt.AsTime(),
		})
	}
	return nil
}

func (a *Appended) inSpool(response *assizev1.AppendAuditResponse) *Error {
	at := response.GetSpooled()
	if len(response.Entries) != 0 || at.GetSpoolId() == "" || at.GetNumber() < 1 {
		return malformed("the events are spooled, and it is not said where")
	}
	a.Acknowledgement = AcknowledgementSpooled
	a.Spooled = &SpoolPosition{SpoolID: at.SpoolId, Number: at.Number}
	return nil
}

func (c *Client) event(event Event) (*assizev1.AuditEvent, error) {
	wire := &assizev1.AuditEvent{
		Type:        event.Type,
		Category:    event.Category,
		Actor:       event.Actor,
		ActorTenant: event.ActorTenant,
		OnBehalfOf:  event.OnBehalfOf,
		Role:        event.Role,
		Action:      event.Action,
		Resource:    event.Resource,
		Env:         or(event.Env, c.options.env),
		RunId:       event.RunID,
		DecisionId:  event.DecisionID,
		Reason:      event.Reason,
		Override:    event.Override,
		Payload:     event.Payload,
		Reads:       event.Reads,
		Writes:      event.Writes,
		Erasable:    event.Erasable,
	}
	if event.Outcome != "" {
		outcome, known := assizev1.Outcome_value["OUTCOME_"+string(event.Outcome)]
		if !known {
			return nil, fmt.Errorf("outcome %q: expected SUCCESS, FAILURE, DENIED or PARTIAL", event.Outcome)
		}
		wire.Outcome = assizev1.Outcome(outcome)
	}
	if !event.OccurredAt.IsZero() {
		wire.OccurredAt = timestamppb.New(event.OccurredAt)
	}
	for _, text := range textsOf(event) {
		if err := requireUTF8(text); err != nil {
			return nil, err
		}
	}
	return wire, nil
}

func textsOf(event Event) []string {
	texts := []string{
		event.Type, event.Category, event.Actor, event.ActorTenant, event.OnBehalfOf, event.Role, event.Action,
		event.Resource, event.Env, event.RunID, event.DecisionID, event.Reason, event.Payload,
	}
	texts = append(texts, event.Reads...)
	texts = append(texts, event.Writes...)
	return append(texts, event.Erasable...)
}

// WithUseApproval knows the obligation `assize/use-approval`: Enforce uses the approval up, for the subject of the
// question, before it lets the action go ahead. Of two who try, one may.
func WithUseApproval() Option {
	return func(o *options) error {
		o.obligations[UseApproval] = nil // New puts the client's own behind it
		o.usesApprovals = true
		return nil
	}
}

func (c *Client) useApproval(ctx context.Context, question Question, result Result, _ Obligation) error {
	ctx, cancel := within(ctx, c.options.callDeadline)
	defer cancel()
	request := &assizev1.UseApprovalRequest{
		Tenant:         or(question.Tenant, c.options.tenant),
		ApprovalId:     result.ApprovalID,
		IdempotencyKey: rand.Text(),
		Subject:        question.Subject,
	}
	response := &assizev1.UseApprovalResponse{}
	if failure := c.call(ctx, assizev1.ApprovalService_UseApproval_FullMethodName, request, response, recording); failure != nil {
		return failure
	}
	if response.GetApproval().GetState() != assizev1.ApprovalState_APPROVAL_STATE_USED {
		return malformed("the approval is not used up")
	}
	return nil
}
