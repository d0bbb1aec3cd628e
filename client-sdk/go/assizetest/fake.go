// Package assizetest has an Assize for tests: in memory, with rules that a test sets, and a memory of what it was asked
// and told. The client that asks it is the real one, so that what fails closed in production does so in a test, too.
package assizetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Tenant is whose questions a client of the fake asks unless it is told otherwise.
const Tenant = "test"

// Any stands for every subject, resource or action in a rule.
const Any = "*"

// Fake is an Assize in memory. It denies what no rule allows.
type Fake struct {
	t        testing.TB
	listener *bufconn.Listener

	mu       sync.Mutex
	rules    []rule // guarded by mu, as all below
	failure  codes.Code
	checked  []assize.Question
	appended []assize.Event
	answers  map[appendKey]appendAnswer
	used     map[string]bool
	spooling bool
	spooled  int64
	changes  chan struct{} // closed when the rules change
}

type appendKey struct{ tenant, key string }

type appendAnswer struct {
	to     *assizev1.AppendAuditRequest
	answer *assizev1.AppendAuditResponse
}

type rule struct {
	subject, resource, action string
	answer                    *assizev1.CheckResponse
}

// Start starts a fake, which ends with the test.
func Start(t testing.TB) *Fake {
	t.Helper()
	f := &Fake{
		t: t, listener: bufconn.Listen(1 << 20), answers: map[appendKey]appendAnswer{},
		used: map[string]bool{}, changes: make(chan struct{}),
	}
	server := grpc.NewServer()
	assizev1.RegisterDecisionServiceServer(server, &decisions{f: f})
	assizev1.RegisterLedgerServiceServer(server, &recorder{f: f})
	assizev1.RegisterPolicyServiceServer(server, &policies{f: f})
	assizev1.RegisterApprovalServiceServer(server, &approvals{f: f})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(f.listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return f
}

// Client makes a client of the fake, which ends with the test.
func (f *Fake) Client(opts ...assize.Option) *assize.Client {
	f.t.Helper()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return f.listener.DialContext(ctx) }
	client, err := assize.New("passthrough:///fake", append([]assize.Option{
		assize.WithKey("asz_fake_key"),
		assize.WithTenant(Tenant),
		assize.WithPlaintext(),
		assize.WithDialOptions(grpc.WithContextDialer(dial)),
	}, opts...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Allow allows, under these obligations. Each of the three may be Any. Of the rules that fit a question a deny counts
// before an allow, and otherwise the latest.
func (f *Fake) Allow(subject, resource, action string, obligations ...assize.Obligation) {
	answer := &assizev1.CheckResponse{
		Decision: assizev1.Decision_DECISION_ALLOW, Reason: assizev1.Reason_REASON_ALLOWED,
		DecidedBy: &assizev1.DecidedBy{Binding: "fake"},
	}
	for _, obligation := range obligations {
		if obligation.Type == assize.UseApproval {
			answer.ApprovalId = or(obligation.ID, "approval")
		}
		answer.Obligations = append(answer.Obligations, &assizev1.Obligation{
			Id: obligation.ID, Type: obligation.Type, Properties: obligation.Properties,
		})
	}
	f.add(rule{subject, resource, action, answer})
}

// Deny denies, whatever is allowed.
func (f *Fake) Deny(subject, resource, action string) {
	f.add(rule{subject, resource, action, &assizev1.CheckResponse{
		Decision: assizev1.Decision_DECISION_DENY, Reason: assizev1.Reason_REASON_EXPLICIT_DENY,
	}})
}

// Forget takes all rules back.
func (f *Fake) Forget() { f.change(func() { f.rules = nil }) }

// Fail has every call fail from now on; with codes.OK they no longer do.
func (f *Fake) Fail(code codes.Code) { f.change(func() { f.failure = code }) }

// Spool makes it a sidecar from now on: who is content with its spool is answered when the events are there.
func (f *Fake) Spool() { f.change(func() { f.spooling = true }) }

// Checked are the questions that were asked, in the order in which they came.
func (f *Fake) Checked() []assize.Question {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.checked)
}

// Appended are the events that were recorded, in their order.
func (f *Fake) Appended() []assize.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.appended)
}

func (f *Fake) add(added rule) {
	f.change(func() { f.rules = append(f.rules, added) })
}

func (f *Fake) change(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changes)
	f.changes = make(chan struct{})
}

// failed is what every call comes to, if it was told so. Guarded by mu.
func (f *Fake) failed() error {
	if f.failure == codes.OK {
		return nil
	}
	return status.Error(f.failure, "the fake was told to fail")
}

// check answers a question. Guarded by mu.
func (f *Fake) check(request *assizev1.CheckRequest) *assizev1.CheckResponse {
	f.checked = append(f.checked, questionOf(request))
	answer := f.judge(request)
	answer.DecisionId = fmt.Sprintf("decision-%d", len(f.checked))
	answer.Historical = request.AtRevision != 0 || request.AsOf != nil
	return answer
}

// judge is what the rules say. Guarded by mu.
func (f *Fake) judge(request *assizev1.CheckRequest) *assizev1.CheckResponse {
	answer := &assizev1.CheckResponse{
		Decision: assizev1.Decision_DECISION_DENY, Reason: assizev1.Reason_REASON_NO_GRANT,
	}
	for _, rule := range f.rules {
		isDeny := answer.Reason == assizev1.Reason_REASON_EXPLICIT_DENY
		if rule.fits(request) && !isDeny {
			answer = proto.CloneOf(rule.answer)
		}
	}
	return answer
}

func (r rule) fits(request *assizev1.CheckRequest) bool {
	fits := func(pattern, value string) bool { return pattern == Any || pattern == value }
	return fits(r.subject, request.Subject) && fits(r.resource, request.Resource) && fits(r.action, request.Action)
}

// append records events once for each key. Guarded by mu.
func (f *Fake) append(request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
	if len(request.Events) == 0 {
		return nil, status.Error(codes.InvalidArgument, "events: expected 1 to 500")
	}
	key := appendKey{request.Tenant, request.IdempotencyKey}
	if known, used := f.answers[key]; used && key.key != "" {
		if !proto.Equal(known.to, request) {
			return nil, status.Error(codes.AlreadyExists, "the key was used with other content")
		}
		replayed := proto.CloneOf(known.answer)
		replayed.Replayed = true
		return replayed, nil
	}
	response := &assizev1.AppendAuditResponse{}
	for _, event := range request.Events {
		seq := len(f.appended)
		hash := sha256.Sum256(fmt.Append(nil, seq))
		f.appended = append(f.appended, eventOf(event))
		response.Entries = append(response.Entries, &assizev1.AppendedEntry{
			Seq: int64(seq), EntryHash: hash[:], RecordedAt: timestamppb.Now(),
		})
	}
	if f.spooling && request.Acknowledgement == assizev1.Acknowledgement_ACKNOWLEDGEMENT_SPOOLED {
		f.spooled++
		response = &assizev1.AppendAuditResponse{
			Acknowledgement: request.Acknowledgement,
			Spooled:         &assizev1.SpoolPosition{SpoolId: "fake", Number: f.spooled},
		}
	}
	f.answers[key] = appendAnswer{proto.CloneOf(request), response}
	return response, nil
}

type decisions struct {
	assizev1.UnimplementedDecisionServiceServer
	f *Fake
}

func (d *decisions) Check(_ context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	if err := d.f.failed(); err != nil {
		return nil, err
	}
	return d.f.check(request), nil
}

func (d *decisions) CheckBatch(_ context.Context, request *assizev1.CheckBatchRequest) (*assizev1.CheckBatchResponse, error) {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	if err := d.f.failed(); err != nil {
		return nil, err
	}
	response := &assizev1.CheckBatchResponse{}
	for _, item := range request.Items {
		response.Results = append(response.Results, &assizev1.CheckBatchResult{
			Result: &assizev1.CheckBatchResult_Response{Response: d.f.check(item)},
		})
	}
	return response, nil
}

type recorder struct {
	assizev1.UnimplementedLedgerServiceServer
	f *Fake
}

func (r *recorder) AppendAudit(_ context.Context, request *assizev1.AppendAuditRequest) (*assizev1.AppendAuditResponse, error) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if err := r.f.failed(); err != nil {
		return nil, err
	}
	return r.f.append(request)
}

type approvals struct {
	assizev1.UnimplementedApprovalServiceServer
	f *Fake
}

func (a *approvals) UseApproval(_ context.Context, request *assizev1.UseApprovalRequest) (*assizev1.UseApprovalResponse, error) {
	a.f.mu.Lock()
	defer a.f.mu.Unlock()
	if err := a.f.failed(); err != nil {
		return nil, err
	}
	if a.f.used[request.ApprovalId] {
		return nil, status.Error(codes.FailedPrecondition, "the approval was used up")
	}
	a.f.used[request.ApprovalId] = true
	return &assizev1.UseApprovalResponse{Approval: &assizev1.Approval{
		ApprovalId: request.ApprovalId, State: assizev1.ApprovalState_APPROVAL_STATE_USED,
	}}, nil
}

type policies struct {
	assizev1.UnimplementedPolicyServiceServer
	f *Fake
}

// WatchPolicy tells of a state whenever a rule is set, so that nothing is kept by a client's cache beyond it. Answers of
// the fake have no ValidUntil, and so are never kept at all.
func (p *policies) WatchPolicy(_ *assizev1.WatchPolicyRequest, stream grpc.ServerStreamingServer[assizev1.WatchPolicyResponse]) error {
	for {
		p.f.mu.Lock()
		err, changed := p.f.failed(), p.f.changes
		p.f.mu.Unlock()
		if err != nil {
			return err
		}
		state := &assizev1.PolicyState{ConfirmedAt: timestamppb.Now()}
		if err := stream.Send(&assizev1.WatchPolicyResponse{Update: &assizev1.WatchPolicyResponse_State{State: state}}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-time.After(5 * time.Second):
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
