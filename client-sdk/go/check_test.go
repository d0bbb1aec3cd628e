package assize_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestEveryAnswerButAPlainAllowDenies(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(answer *assizev1.CheckResponse)
		failure  assize.Failure
		decision assize.Decision
	}{
		"deny":                {func(a *assizev1.CheckResponse) { a.Decision = 2 }, "", "DENY"},
		"unspecified":         {func(a *assizev1.CheckResponse) { a.Decision = 0 }, "UNSPECIFIED_DECISION", "UNSPECIFIED"},
		"unknown number":      {func(a *assizev1.CheckResponse) { a.Decision = 3 }, "UNSPECIFIED_DECISION", "UNSPECIFIED"},
		"negative number":     {func(a *assizev1.CheckResponse) { a.Decision = -1 }, "UNSPECIFIED_DECISION", "UNSPECIFIED"},
		"nothing":             {func(a *assizev1.CheckResponse) { proto.Reset(a) }, "UNSPECIFIED_DECISION", "UNSPECIFIED"},
		"about the past":      {func(a *assizev1.CheckResponse) { a.Historical = true }, "HISTORICAL", "ALLOW"},
		"unknown duty":        {func(a *assizev1.CheckResponse) { oblige(a, "notify", "mask") }, "UNKNOWN_OBLIGATION", "ALLOW"},
		"a duty without type": {func(a *assizev1.CheckResponse) { oblige(a, "") }, "UNKNOWN_OBLIGATION", "ALLOW"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := allow()
			test.change(answer)
			client := answering(answer).serve(t, assize.WithObligation("notify", nil))
			alone, err := client.Check(t.Context(), question)
			if err != nil {
				t.Fatal(err)
			}
			batch, err := client.CheckBatch(t.Context(), []assize.Question{question})
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range []assize.Result{alone, batch[0]} {
				if result.Allowed || result.Failure != test.failure || result.Decision != test.decision || result.Why() == "" {
					t.Errorf("got %+v", result)
				}
			}
			if _, err := client.Enforce(t.Context(), question); err == nil {
				t.Error("enforced")
			}
		})
	}
}

func TestWhoAsksAboutThePastIsNotAllowedByAnyAnswer(t *testing.T) {
	client := answering(allow()).serve(t)
	for _, past := range []assize.Question{{AtRevision: 1}, {AsOf: time.Unix(1, 0)}} {
		alone, _ := client.Check(t.Context(), past)
		batch, _ := client.CheckBatch(t.Context(), []assize.Question{past})
		for _, result := range []assize.Result{alone, batch[0]} {
			if result.Allowed || result.Failure != "HISTORICAL" || result.Decision != "ALLOW" {
				t.Errorf("got %+v", result)
			}
		}
	}
}

func TestAnAllowAllows(t *testing.T) {
	client := answering(allow()).serve(t)
	result, err := client.Check(t.Context(), question)
	if err != nil || !result.Allowed || result.Failure != "" || result.Reason != "ALLOWED" || result.DecisionID != "d-1" || result.Why() != "" {
		t.Fatalf("got %+v, %v", result, err)
	}
	if _, err := client.Enforce(t.Context(), question); err != nil {
		t.Error(err)
	}
}

func TestAdviceWithADenyNeedsNotBeKnown(t *testing.T) {
	answer := allow()
	answer.Decision, answer.Reason = assizev1.Decision_DECISION_DENY, assizev1.Reason_REASON_EXPLICIT_DENY
	oblige(answer, "archive-instead")
	result, _ := answering(answer).serve(t).Check(t.Context(), question)
	if result.Allowed || result.Failure != "" || result.Obligations[0].Type != "archive-instead" {
		t.Errorf("got %+v", result)
	}
}

func oblige(answer *assizev1.CheckResponse, types ...string) {
	for _, obligation := range types {
		answer.Obligations = append(answer.Obligations, &assizev1.Obligation{Id: "o", Type: obligation})
	}
}

func TestEveryErrorDenies(t *testing.T) {
	for code, failure := range map[codes.Code]assize.Failure{
		codes.Unavailable:        "UNAVAILABLE",
		codes.DeadlineExceeded:   "DEADLINE_EXCEEDED",
		codes.Unauthenticated:    "UNAUTHENTICATED",
		codes.PermissionDenied:   "PERMISSION_DENIED",
		codes.ResourceExhausted:  "RESOURCE_EXHAUSTED",
		codes.Canceled:           "CANCELLED",
		codes.Internal:           "INTERNAL",
		codes.Unknown:            "INTERNAL",
		codes.Unimplemented:      "INTERNAL",
		codes.DataLoss:           "INTERNAL",
		codes.NotFound:           "INTERNAL",
		codes.AlreadyExists:      "INTERNAL",
		codes.FailedPrecondition: "INTERNAL",
		codes.Code(77):           "INTERNAL",
	} {
		t.Run(code.String(), func(t *testing.T) {
			server := failing(status.Error(code, "no"))
			client := server.serve(t)
			alone, err := client.Check(t.Context(), question)
			if err != nil {
				t.Error("an error that is not the caller's was raised:", err)
			}
			batch, err := client.CheckBatch(t.Context(), []assize.Question{question, question})
			if err != nil {
				t.Error("an error that is not the caller's was raised:", err)
			}
			for _, result := range append(batch, alone) {
				if result.Allowed || result.Failure != failure || result.Decision != "NONE" || result.Err == nil {
					t.Errorf("got %+v", result)
				}
			}
		})
	}
}

func TestAMalformedQuestionIsAnErrorAndADeny(t *testing.T) {
	client := failing(status.Error(codes.InvalidArgument, "subject")).serve(t)
	result, err := client.Check(t.Context(), question)
	if known := (*assize.Error)(nil); result.Allowed || !errors.As(err, &known) || known.Failure != "INVALID_ARGUMENT" {
		t.Errorf("got %+v, %v", result, err)
	}
	if _, err := client.CheckBatch(t.Context(), []assize.Question{question}); err == nil {
		t.Error("a malformed batch was no error")
	}
}

func TestWhatCannotBeSentIsRefusedBeforeItIs(t *testing.T) {
	loop := map[string]any{}
	loop["self"] = loop
	for name, wrong := range map[string]assize.Question{
		"no UTF-8":        {Subject: "user:\xff"},
		"a function":      {Context: map[string]any{"f": func() {}}},
		"nothing":         {Context: map[string]any{"n": nil}},
		"a map by number": {Context: map[string]any{"m": map[int]string{1: "a"}}},
		"a loop":          {Context: loop},
		"too large":       {Context: map[string]any{"n": uint64(1) << 63}},
	} {
		t.Run(name, func(t *testing.T) {
			server := answering(allow())
			client := server.serve(t)
			if result, err := client.Check(t.Context(), wrong); err == nil || result.Allowed || result.Failure != "INVALID_ARGUMENT" {
				t.Errorf("got %+v, %v", result, err)
			}
			results, err := client.CheckBatch(t.Context(), []assize.Question{question, wrong})
			if err != nil || !results[0].Allowed || results[1].Allowed || results[1].Failure != "INVALID_ARGUMENT" {
				t.Errorf("got %+v, %v", results, err)
			}
			if server.checks.Load() != 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestAttributesArriveAsTheyWereGiven(t *testing.T) {
	var got *assizev1.CheckRequest
	server := &scripted{check: func(_ context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		got = request
		return allow(), nil
	}}
	moment := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type named string
	_, err := server.serve(t, assize.WithEnv("production")).Check(t.Context(), assize.Question{
		Context: map[string]any{
			"text": named("a"), "whole": 3, "real": 1.5, "yes": true, "at": moment, "list": []string{"x", "y"},
			"map": map[string]any{"inner": []any{1, "two"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Tenant != "acme" || got.Env != "production" {
		t.Errorf("asked of %s, %s", got.Tenant, got.Env)
	}
	c := got.Context
	if c["text"].GetStringValue() != "a" || c["whole"].GetIntValue() != 3 || c["real"].GetDoubleValue() != 1.5 ||
		!c["yes"].GetBoolValue() || !c["at"].GetTimestampValue().AsTime().Equal(moment) ||
		c["list"].GetListValue().Values[1].GetStringValue() != "y" ||
		c["map"].GetMapValue().Values["inner"].GetListValue().Values[0].GetIntValue() != 1 {
		t.Errorf("got %v", c)
	}
}

func TestABatchOfOtherLengthThanAskedAllowsNothing(t *testing.T) {
	for _, length := range []int{0, 1, 3} {
		server := answering(allow())
		right := server.checkBatch
		server.checkBatch = func(ctx context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
			response, err := right(ctx, request)
			for len(response.Results) < length {
				response.Results = append(response.Results, response.Results[0])
			}
			response.Results = response.Results[:length]
			return response, err
		}
		results, err := server.serve(t).CheckBatch(t.Context(), []assize.Question{question, question})
		if err != nil || len(results) != 2 {
			t.Fatalf("got %v, %v", results, err)
		}
		for _, result := range results {
			if result.Allowed || result.Failure != "MALFORMED_ANSWER" {
				t.Errorf("%d results: got %+v", length, result)
			}
		}
	}
}

func TestItemsOfABatchFailAlone(t *testing.T) {
	server := &scripted{checkBatch: func(context.Context, *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
		return &assizev1.CheckBatchResponse{Results: []*assizev1.CheckBatchResult{
			{Result: &assizev1.CheckBatchResult_Response{Response: allow()}},
			{Result: &assizev1.CheckBatchResult_Error{Error: &rpcstatus.Status{Code: int32(codes.InvalidArgument)}}},
			{},
			{Result: &assizev1.CheckBatchResult_Error{Error: &rpcstatus.Status{}}},
			{Result: &assizev1.CheckBatchResult_Response{}},
		}}, nil
	}}
	results, err := server.serve(t).CheckBatch(t.Context(), make([]assize.Question, 5))
	if err != nil || !results[0].Allowed {
		t.Fatalf("got %+v, %v", results, err)
	}
	for i, failure := range []assize.Failure{"", "INVALID_ARGUMENT", "MALFORMED_ANSWER", "MALFORMED_ANSWER", "UNSPECIFIED_DECISION"} {
		if results[i].Failure != failure || i > 0 && results[i].Allowed {
			t.Errorf("%d: got %+v", i, results[i])
		}
	}
}

func TestABatchIsOfTheTenantOfItsFirstQuestion(t *testing.T) {
	server := &scripted{checkBatch: func(_ context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
		response := &assizev1.CheckBatchResponse{}
		for _, item := range request.Items {
			answer := allow()
			answer.DecisionId = request.Tenant + " " + item.Tenant + " " + item.Subject
			response.Results = append(response.Results, &assizev1.CheckBatchResult{
				Result: &assizev1.CheckBatchResult_Response{Response: answer},
			})
		}
		return response, nil
	}}
	results, err := server.serve(t).CheckBatch(t.Context(), []assize.Question{
		{Subject: "user:\xff", Tenant: "one"}, {Subject: "user:b", Tenant: "two"}, {Subject: "user:c"},
	})
	if err != nil || server.batches.Load() != 1 || results[0].Failure != assize.FailureInvalidArgument {
		t.Fatalf("%d batches, %+v, %v", server.batches.Load(), results, err)
	}
	for i, id := range []string{"", "one two user:b", "one acme user:c"} {
		if results[i].DecisionID != id {
			t.Errorf("got %q for %q", results[i].DecisionID, id)
		}
	}
}

func TestATruncatedAnswerDenies(t *testing.T) {
	wrong := &wrongBytes{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(wrong), grpc.UnknownServiceHandler(wrong.answer))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client := newClient(t, listener.Addr().String())
	encoded, err := proto.Marshal(allow())
	if err != nil {
		t.Fatal(err)
	}
	wrong.bytes = encoded[:len(encoded)-1]
	result, err := client.Check(t.Context(), question)
	if err != nil || result.Allowed || result.Failure != "INTERNAL" || result.Decision != "NONE" {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestADeadServerDeniesAtTheDeadline(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says anything
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client := newClient(t, listener.Addr().String(), assize.WithCheckDeadline(50*time.Millisecond))
	result, err := client.Check(t.Context(), question)
	if err != nil || result.Allowed || result.Failure != "DEADLINE_EXCEEDED" {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestAnAbsentServerIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	result, err := newClient(t, listener.Addr().String()).Check(t.Context(), question)
	if err != nil || result.Allowed || result.Failure != "UNAVAILABLE" {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestWhoLeavesIsDenied(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := &scripted{check: func(ctx context.Context, _ *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		cancel()
		<-ctx.Done()
		return allow(), nil
	}}
	result, err := server.serve(t).Check(ctx, question)
	if err != nil || result.Allowed || result.Failure != "CANCELLED" {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestTriesAgainWhereUnavailableAndNowhereElse(t *testing.T) {
	for code, tries := range map[codes.Code]int64{codes.Unavailable: 3, codes.ResourceExhausted: 1, codes.Internal: 1, codes.PermissionDenied: 1} {
		server := failing(status.Error(code, "no"))
		if result, _ := server.serve(t).Check(t.Context(), question); result.Allowed || server.checks.Load() != tries {
			t.Errorf("%s: %d tries, %+v", code, server.checks.Load(), result)
		}
	}
}

func TestASecondTryIsAnAnswer(t *testing.T) {
	server := &scripted{}
	server.check = func(context.Context, *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		if server.checks.Load() == 1 {
			return nil, status.Error(codes.Unavailable, "restarting")
		}
		return allow(), nil
	}
	if result, err := server.serve(t).Check(t.Context(), question); err != nil || !result.Allowed {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestTheServerSaysWhenToTryAgain(t *testing.T) {
	unavailable := func(delay time.Duration) error {
		withDelay, err := status.New(codes.Unavailable, "later").WithDetails(
			&errdetails.ErrorInfo{Reason: "POLICY_STALE", Domain: "assize.dev"},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
		if err != nil {
			t.Fatal(err)
		}
		return withDelay.Err()
	}
	t.Run("never", func(t *testing.T) {
		server := &scripted{check: func(ctx context.Context, _ *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
			return nil, errors.Join(grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "-1")), unavailable(0))
		}}
		if result, _ := server.serve(t).Check(t.Context(), question); server.checks.Load() != 1 || result.Failure == "" {
			t.Errorf("%d tries, %+v", server.checks.Load(), result)
		}
	})
	t.Run("after the deadline", func(t *testing.T) {
		server := failing(unavailable(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		result, _ := server.serve(t).Check(ctx, question)
		if ctx.Err() != nil {
			t.Error("waited for nothing")
		}
		if server.checks.Load() != 1 || result.Failure != "UNAVAILABLE" || result.Err.Reason != "POLICY_STALE" || result.Err.RetryAfter != time.Hour {
			t.Errorf("%d tries, %+v", server.checks.Load(), result)
		}
	})
	t.Run("by both, and the transport's word is the one", func(t *testing.T) {
		server := &scripted{check: func(ctx context.Context, _ *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
			return nil, errors.Join(grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "1")), unavailable(time.Hour))
		}}
		if _, _ = server.serve(t).Check(t.Context(), question); server.checks.Load() != 3 {
			t.Errorf("%d tries", server.checks.Load())
		}
	})
}

func TestFailuresAreErrorsForWhoAsksForThem(t *testing.T) {
	historical := allow()
	historical.Historical = true
	if _, err := answering(historical).serve(t, assize.WithErrors()).Check(t.Context(), question); err == nil {
		t.Error("an answer about the past was no error")
	}
	if _, err := failing(status.Error(codes.Internal, "no")).serve(t, assize.WithErrors()).Check(t.Context(), question); err == nil {
		t.Error("a failed call was no error")
	}
	denied := &assizev1.CheckResponse{Decision: assizev1.Decision_DECISION_DENY}
	if _, err := answering(denied).serve(t, assize.WithErrors()).Check(t.Context(), question); err != nil {
		t.Error("a deny was an error:", err)
	}
}

func TestEnforceCarriesOutObligationsAndDeniesWhereItCannot(t *testing.T) {
	answer := allow()
	oblige(answer, "notify")
	server := answering(answer)
	var carriedOut []string
	broken := errors.New("nobody there")
	client := server.serve(t, assize.WithObligation("notify",
		func(_ context.Context, question assize.Question, result assize.Result, obligation assize.Obligation) error {
			carriedOut = append(carriedOut, question.Subject+" "+result.DecisionID+" "+obligation.Type)
			if len(carriedOut) > 1 {
				return broken
			}
			return nil
		}))
	if result, err := client.Enforce(t.Context(), question); err != nil || !result.Allowed || carriedOut[0] != "user:alice d-1 notify" {
		t.Errorf("got %+v, %v, %v", result, err, carriedOut)
	}
	if result, err := client.Enforce(t.Context(), question); !errors.Is(err, broken) || result.Allowed {
		t.Errorf("got %+v, %v", result, err)
	}
	known := answering(answer).serve(t, assize.WithObligation("notify", nil))
	if result, _ := known.Check(t.Context(), question); !result.Allowed {
		t.Errorf("a known obligation denied: %+v", result)
	}
	if result, err := known.Enforce(t.Context(), question); err == nil || result.Allowed {
		t.Errorf("an obligation that nothing carries out was enforced: %+v", result)
	}
}

func TestEnforceUsesUpTheApproval(t *testing.T) {
	answer := allow()
	answer.ApprovalId = "a-1"
	oblige(answer, assize.UseApproval)
	server := answering(answer)
	state := assizev1.ApprovalState_APPROVAL_STATE_USED
	server.use = func(_ context.Context, request *assizev1.UseApprovalRequest) (*assizev1.UseApprovalResponse, error) {
		if request.ApprovalId != "a-1" || request.Tenant != "acme" || request.IdempotencyKey == "" || request.Subject != "user:alice" {
			t.Errorf("got %v", request)
		}
		return &assizev1.UseApprovalResponse{Approval: &assizev1.Approval{State: state}}, nil
	}
	client := server.serve(t, assize.WithUseApproval())
	if result, err := client.Enforce(t.Context(), question); err != nil || !result.Allowed {
		t.Errorf("got %+v, %v", result, err)
	}
	state = assizev1.ApprovalState_APPROVAL_STATE_APPROVED
	if _, err := client.Enforce(t.Context(), question); err == nil {
		t.Error("an approval that was not used up let through")
	}
	if result, _ := server.serve(t).Check(t.Context(), question); result.Allowed {
		t.Error("a client that does not know the obligation was allowed")
	}
}

func TestTheKeyGoesWithEachCall(t *testing.T) {
	var sent []string
	server := &scripted{check: func(ctx context.Context, _ *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		sent = metadata.ValueFromIncomingContext(ctx, "authorization")
		return allow(), nil
	}}
	if _, err := server.serve(t).Check(t.Context(), question); err != nil || strings.Join(sent, "") != "Bearer asz_test_key" {
		t.Errorf("sent %q, %v", sent, err)
	}
}

func TestRefusesAClientThatCannotWork(t *testing.T) {
	t.Setenv(assize.KeyVariable, "")
	if _, err := assize.New("127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "ASSIZE_KEY") {
		t.Error("without a key:", err)
	}
	for name, option := range map[string]assize.Option{
		"no such key file": assize.WithKeyFile("/nowhere"),
		"no such CA":       assize.WithServerCA("/nowhere"),
		"no certificate":   assize.WithClientCertificate("/nowhere", "/nowhere"),
		"no cache":         assize.WithCache(0),
		"no deadline":      assize.WithCheckDeadline(0),
		"no tries":         assize.WithRetries(assize.Retries{}),
	} {
		if _, err := assize.New("127.0.0.1:1", assize.WithKey("asz_k"), option); err == nil {
			t.Error(name)
		}
	}
}

// wrongBytes answers every call with the same bytes, whatever they are.
type wrongBytes struct{ bytes []byte }

func (w *wrongBytes) Name() string { return "proto" }

func (w *wrongBytes) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(w.bytes)}, nil
}

func (w *wrongBytes) Unmarshal(mem.BufferSlice, any) error { return nil }

func (w *wrongBytes) answer(_ any, stream grpc.ServerStream) error {
	if err := stream.RecvMsg(nil); err != nil {
		return err
	}
	return stream.SendMsg(w)
}
