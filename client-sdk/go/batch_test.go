package assize_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// gate is a server that holds the Checks about user:first until it is opened, and which tells what travelled together behind it.
type gate struct {
	scripted
	entered, open chan struct{}

	mu      sync.Mutex
	batches []*assizev1.CheckBatchRequest
	alone   []string
}

func newGate() *gate {
	g := &gate{entered: make(chan struct{}), open: make(chan struct{})}
	g.check = func(ctx context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		g.mu.Lock()
		g.alone = append(g.alone, request.Subject)
		g.mu.Unlock()
		if request.Subject == "user:first" {
			g.entered <- struct{}{}
			<-g.open
		}
		return verdict(request)
	}
	g.checkBatch = func(_ context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
		g.mu.Lock()
		g.batches = append(g.batches, request)
		g.mu.Unlock()
		response := &assizev1.CheckBatchResponse{}
		for _, item := range request.Items {
			switch item.Subject {
			case "user:worst":
				return nil, status.Error(codes.InvalidArgument, "the batch as a whole")
			case "user:forbidden":
				return nil, status.Error(codes.PermissionDenied, "the batch as a whole")
			}
			answer, err := verdict(item)
			result := &assizev1.CheckBatchResult{Result: &assizev1.CheckBatchResult_Response{Response: answer}}
			if err != nil {
				result.Result = &assizev1.CheckBatchResult_Error{Error: &rpcstatus.Status{Code: int32(codes.InvalidArgument)}}
			}
			response.Results = append(response.Results, result)
		}
		return response, nil
	}
	return g
}

// verdict allows every subject with an even number, and names it in the answer.
func verdict(request *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
	if strings.HasPrefix(request.Subject, "user:bad") || request.Subject == "user:worst" {
		return nil, status.Error(codes.InvalidArgument, "bad")
	}
	if request.Subject == "user:forbidden" {
		return nil, status.Error(codes.PermissionDenied, "in this environment")
	}
	answer := allow()
	answer.DecisionId = request.Subject
	if last := request.Subject[len(request.Subject)-1]; last%2 == 1 {
		answer.Decision = assizev1.Decision_DECISION_DENY
	}
	return answer, nil
}

// during asks as many questions as may be under way, runs what is given while they are held, waits until so many others
// are on their way, and lets them go.
func (g *gate) during(t *testing.T, client *assize.Client, waiting int, others func(all *sync.WaitGroup)) {
	t.Helper()
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { _, _ = client.Check(t.Context(), assize.Question{Subject: "user:first"}) })
		<-g.entered
	}
	others(&all)
	for assize.Waiting(client) < waiting {
		time.Sleep(time.Millisecond)
	}
	close(g.open)
	all.Wait()
}

func TestWhatIsAskedAtTheSameTimeTravelsTogether(t *testing.T) {
	server := newGate()
	client := server.serve(t, assize.WithBatching())
	results := make([]assize.Result, 50)
	server.during(t, client, 50, func(all *sync.WaitGroup) {
		for i := range results {
			all.Go(func() {
				results[i], _ = client.Check(t.Context(), assize.Question{Subject: fmt.Sprintf("user:%d", i)})
			})
		}
	})
	if len(server.batches) != 1 || len(server.batches[0].Items) != 50 || len(server.alone) != 2 {
		t.Fatalf("%d batches, %d alone", len(server.batches), len(server.alone))
	}
	for i, result := range results {
		if result.DecisionID != fmt.Sprintf("user:%d", i) || result.Allowed != (i%2 == 0) {
			t.Errorf("question %d got %+v", i, result)
		}
	}
}

func TestALoneCheckGoesAtOnceAndAlone(t *testing.T) {
	server := answering(allow())
	client := server.serve(t, assize.WithBatching())
	for range 3 {
		if result, err := client.Check(t.Context(), question); err != nil || !result.Allowed {
			t.Errorf("got %+v, %v", result, err)
		}
	}
	if server.batches.Load() != 0 {
		t.Error("it travelled as a batch")
	}
}

func TestCallsThatHangDelayOthersAndFailNobody(t *testing.T) {
	server := newGate()
	client := server.serve(t, assize.WithBatching())
	hanging, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stuck, all sync.WaitGroup
	for range 2 {
		stuck.Go(func() { _, _ = client.Check(hanging, assize.Question{Subject: "user:first"}) })
		<-server.entered
	}
	results := make([]assize.Result, 6)
	for i := range results {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			results[i], _ = client.Check(ctx, assize.Question{Subject: fmt.Sprintf("user:%d", i)})
		})
	}
	all.Wait() // while both hang
	for i, result := range results {
		if result.Failure != "" || result.Allowed != (i%2 == 0) {
			t.Errorf("question %d got %+v", i, result)
		}
	}
	if waiting := assize.Waiting(client); waiting != 0 || len(server.batches) != 0 {
		t.Errorf("%d wait, %d batches", waiting, len(server.batches))
	}
	close(server.open)
	stuck.Wait()
	if result, _ := client.Check(t.Context(), assize.Question{Subject: "user:0"}); !result.Allowed {
		t.Errorf("got %+v", result)
	}
}

func TestOneCallThatHangsDelaysNobody(t *testing.T) {
	server := newGate()
	client := server.serve(t, assize.WithBatching())
	var stuck sync.WaitGroup
	stuck.Go(func() { _, _ = client.Check(t.Context(), assize.Question{Subject: "user:first"}) })
	<-server.entered
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		if result, _ := client.Check(ctx, assize.Question{Subject: "user:0"}); !result.Allowed {
			t.Errorf("got %+v", result)
		}
		cancel()
	}
	close(server.open)
	stuck.Wait()
}

func TestACallThatPanicsLeavesRoomForOthers(t *testing.T) {
	panics := true
	client := newGate().serve(t, assize.WithBatching(), assize.WithDialOptions(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if panics {
				panic("an interceptor of the service")
			}
			return invoke(ctx, method, request, response, conn, opts...)
		})))
	for range 3 { // more than may be under way
		func() {
			defer func() { _ = recover() }()
			_, _ = client.Check(t.Context(), question)
		}()
		until(t, "an empty lane", func() bool { return assize.Lanes(client) == 0 })
	}
	panics = false
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if result, _ := client.Check(ctx, assize.Question{Subject: "user:0"}); !result.Allowed {
		t.Errorf("got %+v", result)
	}
}

func TestOnlyOneTenantAndTheSameMetadataTravelTogether(t *testing.T) {
	server := newGate()
	client := server.serve(t, assize.WithBatching())
	server.during(t, client, 2, func(all *sync.WaitGroup) {
		for i := range 2 {
			all.Go(func() { _, _ = client.Check(t.Context(), assize.Question{Subject: fmt.Sprintf("user:same%d", i)}) })
		}
		other := metadata.AppendToOutgoingContext(t.Context(), "x-who", "else")
		var goFirst sync.WaitGroup
		goFirst.Go(func() { _, _ = client.Check(t.Context(), assize.Question{Subject: "user:other", Tenant: "other"}) })
		goFirst.Go(func() { _, _ = client.Check(other, assize.Question{Subject: "user:metadata"}) })
		goFirst.Wait()
	})
	if len(server.batches) != 1 || len(server.batches[0].Items) != 2 || server.batches[0].Tenant != "acme" {
		t.Errorf("got %v", server.batches)
	}
}

func TestOneMalformedItemFailsAlone(t *testing.T) {
	for bad, failure := range map[string]assize.Failure{
		"user:bad": "INVALID_ARGUMENT", "user:worst": "INVALID_ARGUMENT", "user:forbidden": "PERMISSION_DENIED", // by itself, and with the batch as a whole
	} {
		t.Run(bad, func(t *testing.T) {
			server := newGate()
			client := server.serve(t, assize.WithBatching())
			results := map[string]assize.Result{}
			errors := map[string]error{}
			var mu sync.Mutex
			server.during(t, client, 3, func(all *sync.WaitGroup) {
				for _, subject := range []string{"user:0", bad, "user:2"} {
					all.Go(func() {
						result, err := client.Check(t.Context(), assize.Question{Subject: subject})
						mu.Lock()
						defer mu.Unlock()
						results[subject], errors[subject] = result, err
					})
				}
			})
			if !results["user:0"].Allowed || !results["user:2"].Allowed {
				t.Errorf("the others failed, too: %+v", results)
			}
			if results[bad].Allowed || results[bad].Failure != failure || (errors[bad] != nil) != (failure == "INVALID_ARGUMENT") {
				t.Errorf("got %+v, %v", results[bad], errors[bad])
			}
		})
	}
}

func TestEachCallerKeepsItsOwnDeadline(t *testing.T) {
	server := newGate()
	check := server.check
	server.check = func(ctx context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		if request.Subject == "user:hurried0" { // it goes alone before its time is up
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return check(ctx, request)
	}
	client := server.serve(t, assize.WithBatching())
	var late, patient assize.Result
	server.during(t, client, 1, func(all *sync.WaitGroup) {
		all.Go(func() { patient, _ = client.Check(t.Context(), assize.Question{Subject: "user:patient0"}) })
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		late, _ = client.Check(hurried, assize.Question{Subject: "user:hurried0"})
	})
	if late.Allowed || late.Failure != "DEADLINE_EXCEEDED" {
		t.Errorf("got %+v", late)
	}
	if !patient.Allowed {
		t.Errorf("got %+v", patient)
	}
	for _, batch := range server.batches {
		t.Errorf("who had left was asked for: %v", batch)
	}
}

func TestABatchLastsAsLongAsTheMostPatientOfItsCallers(t *testing.T) {
	server := newGate()
	right := server.checkBatch
	left := make(chan struct{})
	server.checkBatch = func(ctx context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
		select {
		case <-left:
			return right(ctx, request)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	client := server.serve(t, assize.WithBatching())
	var hurried, patient assize.Result
	server.during(t, client, 2, func(all *sync.WaitGroup) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			hurried, _ = client.Check(ctx, assize.Question{Subject: "user:hurried0"})
			close(left)
		})
		for assize.Waiting(client) < 1 {
			time.Sleep(time.Millisecond)
		}
		all.Go(func() { patient, _ = client.Check(t.Context(), assize.Question{Subject: "user:patient0"}) })
	})
	if hurried.Failure != "DEADLINE_EXCEEDED" || !patient.Allowed {
		t.Errorf("got %+v and %+v", hurried, patient)
	}
}

func TestABatchEndsWhenAllItsCallersHaveLeft(t *testing.T) {
	server := newGate()
	ended, under := make(chan struct{}), make(chan struct{})
	server.checkBatch = func(ctx context.Context, _ *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
		close(under)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}
	client := server.serve(t, assize.WithBatching())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-under
		cancel()
	}()
	server.during(t, client, 2, func(all *sync.WaitGroup) {
		for range 2 {
			all.Go(func() {
				if result, _ := client.Check(ctx, assize.Question{Subject: "user:0"}); result.Failure != "CANCELLED" {
					t.Errorf("got %+v", result)
				}
			})
		}
	})
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("nobody waits for it, and it goes on")
	}
}

func TestABatchThatIsRefusedAsAWholeIsAskedOneByOne(t *testing.T) {
	for _, code := range []codes.Code{codes.Unimplemented, codes.PermissionDenied, codes.InvalidArgument} {
		t.Run(code.String(), func(t *testing.T) {
			server := newGate()
			server.checkBatch = func(context.Context, *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
				return nil, status.Error(code, "no batches here")
			}
			client := server.serve(t, assize.WithBatching())
			results := make([]assize.Result, 4)
			server.during(t, client, len(results), func(all *sync.WaitGroup) {
				for i := range results {
					all.Go(func() { results[i], _ = client.Check(t.Context(), assize.Question{Subject: fmt.Sprintf("user:%d", i)}) })
				}
			})
			for i, result := range results {
				if result.Failure != "" || result.Allowed != (i%2 == 0) {
					t.Errorf("question %d got %+v", i, result)
				}
			}
			if server.scripted.batches.Load() != 1 {
				t.Errorf("%d batches", server.scripted.batches.Load())
			}
		})
	}
}

func TestAFailedBatchDeniesAllOfIt(t *testing.T) {
	server := newGate()
	server.checkBatch = func(context.Context, *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
		return nil, status.Error(codes.Internal, "no")
	}
	client := server.serve(t, assize.WithBatching())
	results := make([]assize.Result, 2)
	server.during(t, client, 2, func(all *sync.WaitGroup) {
		for i := range results {
			all.Go(func() { results[i], _ = client.Check(t.Context(), assize.Question{Subject: "user:0"}) })
		}
	})
	for _, result := range results {
		if result.Allowed || result.Failure != "INTERNAL" {
			t.Errorf("got %+v", result)
		}
	}
}

func TestABatchHasAtMostAThousandItemsAndFourMegabytes(t *testing.T) {
	for name, test := range map[string]struct{ questions, bytes, batches int }{
		"1,001 items": {1001, 1, 1}, // and one alone
		"5 MiB":       {10, 512 << 10, 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := newGate()
			client := server.serve(t, assize.WithBatching())
			server.during(t, client, test.questions, func(all *sync.WaitGroup) {
				for range test.questions {
					all.Go(func() {
						_, _ = client.Check(t.Context(), assize.Question{Subject: "user:0", RunID: strings.Repeat("r", test.bytes)})
					})
				}
			})
			if len(server.batches) != test.batches {
				t.Errorf("%d batches", len(server.batches))
			}
			for _, batch := range server.batches {
				if len(batch.Items) > 1000 {
					t.Errorf("a batch of %d", len(batch.Items))
				}
			}
		})
	}
}

func TestQuestionsThatMayTakeLongHoldUpNobody(t *testing.T) {
	server := newGate()
	client := server.serve(t, assize.WithBatching())
	var all sync.WaitGroup
	all.Go(func() { _, _ = client.Check(t.Context(), assize.Question{Subject: "user:first", MinRevision: 9}) })
	<-server.entered
	if result, _ := client.Check(t.Context(), assize.Question{Subject: "user:0"}); !result.Allowed {
		t.Errorf("got %+v", result)
	}
	close(server.open)
	all.Wait()
}
