package assize

import (
	"context"
	"crypto/rand"

	"assize.dev/client-sdk/go/assizev1"
)

// Execution is what CheckAndAppend came to.
type Execution struct {
	Result         Result
	Receipt        *Receipt // where the event stands; nil where nothing was allowed
	Replayed       bool     // the key had been used before with the same content: it is the first answer's receipt
	IdempotencyKey string
}

// CheckAndAppend asks and, where it is allowed, records what is done, as one step: of two calls that a separation of duty
// keeps apart, one is denied. What the event has from the question may be left out of it. Without an idempotency key it
// makes one.
//
// It tries again under that key until the outcome is known, or the time is up. Everything but an allow that is recorded is a
// denied result; where its Failure says that nobody knows, the same may be sent again under the key. Errors are as those of
// Check.
func (c *Client) CheckAndAppend(ctx context.Context, question Question, event Event, idempotencyKey string) (Execution, error) {
	ctx, cancel := within(ctx, c.options.callDeadline)
	defer cancel()
	ctx, end := c.options.tracing.Start(ctx, "assize.check_and_append", or(question.Tenant, c.options.tenant))
	done := c.checkAndAppend(ctx, question, event, or(idempotencyKey, rand.Text()))
	end(outcomeOf(done.Result), done.Result.Err)
	return done, c.raised(done.Result)
}

func (c *Client) checkAndAppend(ctx context.Context, question Question, event Event, key string) Execution {
	denied := Execution{IdempotencyKey: key}
	check, err := c.request(question)
	if err != nil {
		denied.Result = failed(invalid(err))
		return denied
	}
	event.Env = or(event.Env, check.Env)
	wire, err := c.event(event)
	if err != nil {
		denied.Result = failed(invalid(err))
		return denied
	}
	request := &assizev1.CheckAndAppendRequest{Check: check, Event: wire, IdempotencyKey: key}
	response := &assizev1.CheckAndAppendResponse{}
	method := assizev1.DecisionService_CheckAndAppend_FullMethodName
	if failure := c.call(ctx, method, request, response, recording); failure != nil {
		failure.IdempotencyKey = key
		denied.Result = failed(failure)
		return denied
	}
	done := Execution{Result: c.judge(check, response.GetResponse(), false), Replayed: response.Replayed, IdempotencyKey: key}
	switch entry := response.GetEntry(); {
	case entry != nil:
		done.Receipt = &Receipt{Seq: entry.Seq, EntryHash: entry.EntryHash, RecordedAt: entry.RecordedAt.AsTime()}
	case done.Result.Allowed:
		done.Result = failed(malformed("an allow without an entry"))
	}
	return done
}
