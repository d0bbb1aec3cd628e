package assize_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// scripted is a server that says what a test has it say, right or wrong.
type scripted struct {
	assizev1.UnimplementedDecisionServiceServer
	assizev1.UnimplementedLedgerServiceServer
	assizev1.UnimplementedPolicyServiceServer
	assizev1.UnimplementedApprovalServiceServer

	check      func(ctx context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, error)
	checkBatch func(ctx context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error)
	append     func(ctx context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error)
	execute    func(ctx context.Context, request *assizev1.CheckAndAppendRequest) (*assizev1.CheckAndAppendResponse, error)
	use        func(ctx context.Context, request *assizev1.UseApprovalRequest) (*assizev1.UseApprovalResponse, error)
	search     func(request *assizev1.SearchSubjectsRequest, stream searchStream) error
	watch      func(request *assizev1.WatchPolicyRequest, stream grpc.ServerStreamingServer[assizev1.WatchPolicyResponse]) error

	checks, batches, appends, searches atomic.Int64
}

type searchStream = grpc.ServerStreamingServer[assizev1.SearchSubjectsResponse]

func (s *scripted) SearchSubjects(request *assizev1.SearchSubjectsRequest, stream searchStream) error {
	s.searches.Add(1)
	return s.search(request, stream)
}

func (s *scripted) Check(ctx context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
	s.checks.Add(1)
	return s.check(ctx, request)
}

func (s *scripted) CheckBatch(ctx context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
	s.batches.Add(1)
	return s.checkBatch(ctx, request)
}

func (s *scripted) CheckAndAppend(
	ctx context.Context, request *assizev1.CheckAndAppendRequest,
) (*assizev1.CheckAndAppendResponse, error) {
	return s.execute(ctx, request)
}

func (s *scripted) AppendAudit(ctx context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
	s.appends.Add(1)
	return s.append(ctx, request)
}

func (s *scripted) UseApproval(ctx context.Context, request *assizev1.UseApprovalRequest) (*assizev1.UseApprovalResponse, error) {
	return s.use(ctx, request)
}

func (s *scripted) WatchPolicy(request *assizev1.WatchPolicyRequest,
	stream grpc.ServerStreamingServer[assizev1.WatchPolicyResponse],
) error {
	return s.watch(request, stream)
}

// serve starts the server in memory, and makes a client of it.
func (s *scripted) serve(t *testing.T, opts ...assize.Option) *assize.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	assizev1.RegisterDecisionServiceServer(server, s)
	assizev1.RegisterLedgerServiceServer(server, s)
	assizev1.RegisterPolicyServiceServer(server, s)
	assizev1.RegisterApprovalServiceServer(server, s)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	client := newClient(t, "passthrough:///scripted", append([]assize.Option{
		assize.WithPlaintext(), assize.WithDialOptions(grpc.WithContextDialer(dial)),
	}, opts...)...)
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return client
}

func newClient(t *testing.T, target string, opts ...assize.Option) *assize.Client {
	t.Helper()
	client, err := assize.New(target, append([]assize.Option{
		assize.WithKey("asz_test_key"),
		assize.WithTenant("acme"),
		assize.WithCheckDeadline(20 * time.Second),
		assize.WithRetries(assize.Retries{Tries: 3, FirstBackoff: time.Millisecond, LongestBackoff: time.Millisecond}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// answering is a server with one answer to every question, asked alone or in a batch.
func answering(answer *assizev1.CheckResponse) *scripted {
	return &scripted{
		check: func(context.Context, *assizev1.CheckRequest) (*assizev1.CheckResponse, error) { return answer, nil },
		checkBatch: func(_ context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
			response := &assizev1.CheckBatchResponse{}
			for range request.Items {
				response.Results = append(response.Results, &assizev1.CheckBatchResult{
					Result: &assizev1.CheckBatchResult_Response{Response: answer},
				})
			}
			return response, nil
		},
	}
}

func failing(err error) *scripted {
	return &scripted{
		check: func(context.Context, *assizev1.CheckRequest) (*assizev1.CheckResponse, error) { return nil, err },
		checkBatch: func(context.Context, *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
			return nil, err
		},
		append: func(context.Context, *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
			return nil, err
		},
	}
}

func allow() *assizev1.CheckResponse {
	return &assizev1.CheckResponse{
		Decision:   assizev1.Decision_DECISION_ALLOW,
		Reason:     assizev1.Reason_REASON_ALLOWED,
		DecisionId: "d-1",
		Revision:   7,
	}
}

var question = assize.Question{Subject: "user:alice", Resource: "doc:1", Action: "read"}
