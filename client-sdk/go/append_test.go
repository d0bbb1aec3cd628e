package assize_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// recording is a server that records nothing, and whose receipts look as if it did.
func recording(got *[]*assizev1.AppendAuditRequest, fail func(try int) error) *scripted {
	var mu sync.Mutex // a try that was given up may still be at it
	return &scripted{append: func(_ context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		*got = append(*got, request)
		if err := fail(len(*got)); err != nil {
			return nil, err
		}
		response := &assizev1.AppendAuditResponse{}
		for i := range request.Events {
			response.Entries = append(response.Entries, &assizev1.AppendedEntry{
				Seq: int64(i + 3), EntryHash: make([]byte, 32), RecordedAt: timestamppb.New(noon),
			})
		}
		return response, nil
	}}
}

func never(int) error { return nil }

var event = assize.Event{Type: "replay.executed", Action: "execute", Resource: "replay:922", Outcome: assize.OutcomeSuccess}

func TestRefusesReceiptsThatAreNone(t *testing.T) {
	for name, entries := range map[string][]*assizev1.AppendedEntry{
		"none":     {},
		"too many": {{EntryHash: make([]byte, 32)}, {EntryHash: make([]byte, 32)}},
	} {
		server := &scripted{append: func(context.Context, *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
			return &assizev1.AppendAuditResponse{Entries: entries}, nil
		}}
		_, err := server.serve(t).AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event}})
		if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != "MALFORMED_ANSWER" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func spooled(change func(*assizev1.AppendAuditResponse)) *scripted {
	return &scripted{append: func(context.Context, *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
		answer := &assizev1.AppendAuditResponse{
			Acknowledgement: assizev1.Acknowledgement_ACKNOWLEDGEMENT_SPOOLED,
			Spooled:         &assizev1.SpoolPosition{SpoolId: "s1", Number: 4},
		}
		change(answer)
		return answer, nil
	}}
}

func TestWhatIsSpooledIsNoReceiptForWhoAskedForTheLedger(t *testing.T) {
	as := func(acknowledgement assize.Acknowledgement) assize.Append {
		return assize.Append{Events: []assize.Event{event}, Acknowledgement: acknowledgement}
	}
	for _, asked := range []assize.Acknowledgement{"", assize.AcknowledgementInLedger} {
		_, err := spooled(func(*assizev1.AppendAuditResponse) {}).serve(t).AppendAudit(t.Context(), as(asked))
		if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != "MALFORMED_ANSWER" {
			t.Errorf("%q: %v", asked, err)
		}
	}
	for name, change := range map[string]func(*assizev1.AppendAuditResponse){
		"nowhere":          func(answer *assizev1.AppendAuditResponse) { answer.Spooled = nil },
		"no number":        func(answer *assizev1.AppendAuditResponse) { answer.Spooled.Number = 0 },
		"no spool":         func(answer *assizev1.AppendAuditResponse) { answer.Spooled.SpoolId = "" },
		"entries":          func(answer *assizev1.AppendAuditResponse) { answer.Entries = []*assizev1.AppendedEntry{{}} },
		"in the ledger":    func(answer *assizev1.AppendAuditResponse) { answer.Acknowledgement = 1 },
		"in another way":   func(answer *assizev1.AppendAuditResponse) { answer.Acknowledgement = 77 },
		"not said in what": func(answer *assizev1.AppendAuditResponse) { answer.Acknowledgement = 0 },
	} {
		_, err := spooled(change).serve(t).AppendAudit(t.Context(), as(assize.AcknowledgementSpooled))
		if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != "MALFORMED_ANSWER" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := spooled(func(*assizev1.AppendAuditResponse) {}).serve(t).AppendAudit(t.Context(), as("somewhere"))
	if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != "INVALID_ARGUMENT" {
		t.Errorf("somewhere: %v", err)
	}
}

func TestWhoIsContentWithASpoolIsToldWhichItWas(t *testing.T) {
	what := assize.Append{Events: []assize.Event{event}, Acknowledgement: assize.AcknowledgementSpooled}
	appended, err := spooled(func(*assizev1.AppendAuditResponse) {}).serve(t).AppendAudit(t.Context(), what)
	if err != nil || appended.Acknowledgement != "SPOOLED" || *appended.Spooled != (assize.SpoolPosition{SpoolID: "s1", Number: 4}) ||
		len(appended.Receipts) != 0 {
		t.Errorf("%+v, %v", appended, err)
	}
	var got []*assizev1.AppendAuditRequest
	appended, err = recording(&got, never).serve(t).AppendAudit(t.Context(), what)
	if err != nil || appended.Acknowledgement != "IN_LEDGER" || appended.Spooled != nil || len(appended.Receipts) != 1 {
		t.Errorf("%+v, %v", appended, err)
	}
	if got[0].Acknowledgement != assizev1.Acknowledgement_ACKNOWLEDGEMENT_SPOOLED {
		t.Errorf("asked for %s", got[0].Acknowledgement)
	}
}

func TestRefusesAnEventBeforeItIsSent(t *testing.T) {
	for name, wrong := range map[string]assize.Event{
		"an outcome":      {Outcome: "DONE"},
		"the unspecified": {Outcome: "UNSPECIFIED_"},
		"no UTF-8":        {Reason: "\xff"},
		"no UTF-8 within": {Reads: []string{"\xff"}},
	} {
		var got []*assizev1.AppendAuditRequest
		_, err := recording(&got, never).serve(t).AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event, wrong}})
		if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != "INVALID_ARGUMENT" || len(got) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARetrySendsTheSameUnderTheSameKey(t *testing.T) {
	var got []*assizev1.AppendAuditRequest
	client := recording(&got, func(try int) error {
		if try < 3 {
			return status.Error(codes.Unavailable, "nobody knows")
		}
		return nil
	}).serve(t)
	appended, err := client.AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event, event}})
	if err != nil || len(got) != 3 || len(appended.Receipts) != 2 || appended.Receipts[1].Seq != 4 || !appended.Receipts[0].RecordedAt.Equal(noon) {
		t.Fatalf("got %+v, %v, %d tries", appended, err, len(got))
	}
	for _, request := range got {
		if len(request.IdempotencyKey) < 20 || request.IdempotencyKey != appended.IdempotencyKey || len(request.Events) != 2 {
			t.Errorf("sent %v", request)
		}
	}
	second, err := client.AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event}})
	if err != nil || second.IdempotencyKey == appended.IdempotencyKey {
		t.Error("two calls had the same key")
	}
}

func TestTheCallersKeyIsTheKey(t *testing.T) {
	server := &scripted{append: func(_ context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
		if request.IdempotencyKey != "order-7" || request.Tenant != "other" {
			t.Errorf("sent %v", request)
		}
		return nil, status.Error(codes.Unavailable, "nobody knows")
	}}
	client := server.serve(t, assize.WithCallDeadline(50*time.Millisecond))
	_, err := client.AppendAudit(t.Context(), assize.Append{Tenant: "other", Events: []assize.Event{event}, IdempotencyKey: "order-7"})
	if known := (*assize.Error)(nil); !errors.As(err, &known) || known.IdempotencyKey != "order-7" {
		t.Errorf("got %v", err)
	}
}

func TestAnAppendIsTriedAgainWhereNothingWasDone(t *testing.T) {
	busy, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		err     error
		tries   int64 // 0: as many as there is time for
		failure assize.Failure
	}{
		"busy, come back":       {busy.Err(), 0, "RESOURCE_EXHAUSTED"},
		"too large":             {status.Error(codes.ResourceExhausted, "too large"), 1, "RESOURCE_EXHAUSTED"},
		"other content":         {status.Error(codes.AlreadyExists, "used"), 1, "ALREADY_EXISTS"},
		"halted":                {status.Error(codes.FailedPrecondition, "halted"), 1, "FAILED_PRECONDITION"},
		"not permitted":         {status.Error(codes.PermissionDenied, "no"), 1, "PERMISSION_DENIED"},
		"a bug, and who knows?": {status.Error(codes.Internal, "bug"), 0, "INTERNAL"},
	} {
		server := recording(new([]*assizev1.AppendAuditRequest), func(int) error { return test.err })
		_, err := server.serve(t, assize.WithCallDeadline(100*time.Millisecond)).
			AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event}})
		known := (*assize.Error)(nil)
		if !errors.As(err, &known) || test.tries > 0 && (known.Failure != test.failure || server.appends.Load() != test.tries) ||
			test.tries == 0 && server.appends.Load() < 4 {
			t.Errorf("%s: %v after %d tries", name, err, server.appends.Load())
		}
	}
}

func TestASilentServerLeavesTimeForAnotherTry(t *testing.T) {
	var got []*assizev1.AppendAuditRequest
	server := recording(&got, never)
	right := server.append
	server.append = func(ctx context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
		if server.appends.Load() == 1 {
			// Its end may be seen here before it is at the client, who would take an answer still.
			<-ctx.Done()
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		return right(ctx, request)
	}
	client := server.serve(t, assize.WithCallDeadline(3*time.Second))
	if appended, err := client.AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event}}); err != nil || server.appends.Load() != 2 {
		t.Errorf("got %+v, %v", appended, err)
	}
}

func TestEveryFieldOfAnEventArrives(t *testing.T) {
	var got []*assizev1.AppendAuditRequest
	client := recording(&got, never).serve(t, assize.WithEnv("staging"))
	whole := assize.Event{
		Type: "a", Category: "b", Actor: "c", ActorTenant: "d", OnBehalfOf: "e", Role: "f", Action: "g", Resource: "h",
		Env: "i", Outcome: assize.OutcomePartial, OccurredAt: noon, RunID: "j", DecisionID: "k", Reason: "l", Override: true,
		Payload: "{}", Reads: []string{"m"}, Writes: []string{"n"}, Erasable: []string{"reason"},
	}
	if _, err := client.AppendAudit(t.Context(), assize.Append{Events: []assize.Event{whole, {}}}); err != nil {
		t.Fatal(err)
	}
	message := got[0].Events[0].ProtoReflect()
	for i := range message.Descriptor().Fields().Len() {
		if field := message.Descriptor().Fields().Get(i); !message.Has(field) {
			t.Errorf("%s did not arrive", field.Name())
		}
	}
	if got[0].Events[1].Env != "staging" || got[0].Events[0].Outcome != assizev1.Outcome_OUTCOME_PARTIAL {
		t.Errorf("got %v", got[0])
	}
}
