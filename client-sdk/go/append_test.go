package assize_test

import (
	"context"
	"errors"
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
	return &scripted{append: func(_ context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
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
		"none":         {},
		"too many":     {{EntryHash: make([]byte, 32)}, {EntryHash: make([]byte, 32)}},
		"a short hash": {{EntryHash: make([]byte, 31)}},
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
	var got []*assizev1.AppendAuditRequest
	client := recording(&got, func(int) error { return status.Error(codes.Unavailable, "nobody knows") }).serve(t)
	_, err := client.AppendAudit(t.Context(), assize.Append{Tenant: "other", Events: []assize.Event{event}, IdempotencyKey: "order-7"})
	if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != "UNAVAILABLE" || known.IdempotencyKey != "order-7" {
		t.Errorf("got %v", err)
	}
	for _, request := range got {
		if request.IdempotencyKey != "order-7" || request.Tenant != "other" {
			t.Errorf("sent %v", request)
		}
	}
}

func TestAnAppendIsTriedAgainWhereNothingWasDone(t *testing.T) {
	busy, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		err     error
		tries   int
		failure assize.Failure
	}{
		"busy, come back":       {busy.Err(), 3, "RESOURCE_EXHAUSTED"},
		"too large":             {status.Error(codes.ResourceExhausted, "too large"), 1, "RESOURCE_EXHAUSTED"},
		"other content":         {status.Error(codes.AlreadyExists, "used"), 1, "ALREADY_EXISTS"},
		"halted":                {status.Error(codes.FailedPrecondition, "halted"), 1, "FAILED_PRECONDITION"},
		"not permitted":         {status.Error(codes.PermissionDenied, "no"), 1, "PERMISSION_DENIED"},
		"a bug, and who knows?": {status.Error(codes.Internal, "bug"), 1, "INTERNAL"},
	} {
		var got []*assizev1.AppendAuditRequest
		_, err := recording(&got, func(int) error { return test.err }).serve(t).
			AppendAudit(t.Context(), assize.Append{Events: []assize.Event{event}})
		if known := (*assize.Error)(nil); !errors.As(err, &known) || known.Failure != test.failure || len(got) != test.tries {
			t.Errorf("%s: %v after %d tries", name, err, len(got))
		}
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
