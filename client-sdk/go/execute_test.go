package assize_test

import (
	"context"
	"testing"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var deed = assize.Event{Type: "replay.executed", Outcome: assize.OutcomeSuccess}

func executing(answer *assizev1.CheckAndAppendResponse) *scripted {
	server := answering(nil)
	server.execute = func(context.Context, *assizev1.CheckAndAppendRequest) (*assizev1.CheckAndAppendResponse, error) {
		return answer, nil
	}
	return server
}

func TestAnAllowWithoutAnEntryIsNone(t *testing.T) {
	client := executing(&assizev1.CheckAndAppendResponse{Response: allow()}).serve(t)
	done, err := client.CheckAndAppend(t.Context(), question, deed, "")
	if err != nil || done.Result.Allowed || done.Result.Failure != assize.FailureMalformedAnswer || done.Receipt != nil {
		t.Errorf("got %+v, %v", done, err)
	}
}

func TestADenyRecordsNothing(t *testing.T) {
	denied := &assizev1.CheckResponse{Decision: assizev1.Decision_DECISION_DENY}
	client := executing(&assizev1.CheckAndAppendResponse{Response: denied}).serve(t)
	done, err := client.CheckAndAppend(t.Context(), question, deed, "")
	if err != nil || done.Result.Allowed || done.Result.Failure != assize.FailureNone || done.Receipt != nil {
		t.Errorf("got %+v, %v", done, err)
	}
}

func TestIsTriedAgainUnderOneKeyUntilItsOutcomeIsKnown(t *testing.T) {
	keys := map[string]int{}
	server := answering(nil)
	server.execute = func(_ context.Context, request *assizev1.CheckAndAppendRequest) (*assizev1.CheckAndAppendResponse, error) {
		keys[request.IdempotencyKey]++
		if keys[request.IdempotencyKey] < 3 {
			return nil, status.Error(codes.Internal, "who knows")
		}
		if request.Event.Type != "replay.executed" || request.Check.Subject != "user:alice" {
			t.Errorf("got %v", request)
		}
		return &assizev1.CheckAndAppendResponse{Response: allow(), Entry: &assizev1.AppendedEntry{Seq: 7}, Replayed: true}, nil
	}
	done, err := server.serve(t).CheckAndAppend(t.Context(), question, deed, "")
	if err != nil || !done.Result.Allowed || done.Receipt.Seq != 7 || !done.Replayed || keys[done.IdempotencyKey] != 3 {
		t.Errorf("got %+v, %v, %v", done, err, keys)
	}
}
