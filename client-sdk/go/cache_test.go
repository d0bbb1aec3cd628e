package assize_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// noon is when tests of the cache take place, by the server's clock and ours.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// watched is a server with a policy stream that a test speaks through.
type watched struct {
	*scripted
	say   chan *assizev1.WatchPolicyResponse // nil ends the stream
	known atomic.Int64                       // what the last stream said that it knows
	clock *clock
}

type clock struct {
	mu     sync.Mutex
	now    time.Time
	steady time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Steady() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steady
}

// Set changes what the wall clock says; the steady one does not heed it.
func (c *clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

func (c *clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
	c.steady += by
}

func newWatched(t *testing.T, answer *assizev1.CheckResponse, opts ...assize.Option) (*watched, *assize.Client) {
	t.Helper()
	w := &watched{scripted: answering(answer), say: make(chan *assizev1.WatchPolicyResponse), clock: &clock{now: noon}}
	w.watch = func(request *assizev1.WatchPolicyRequest, stream grpc.ServerStreamingServer[assizev1.WatchPolicyResponse]) error {
		w.known.Store(request.KnownRevision)
		for {
			select {
			case update := <-w.say:
				if update == nil {
					return status.Error(codes.Unavailable, "from time to time")
				}
				if err := stream.Send(update); err != nil {
					return err
				}
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		}
	}
	client := w.serve(t, append([]assize.Option{assize.WithCache(100)}, opts...)...)
	assize.SetCacheClocks(client, w.clock.Now, w.clock.Steady)
	assize.Confirms(client, "acme") // begins to listen
	return w, client
}

func state(revision, platform int64, at time.Time) *assizev1.WatchPolicyResponse {
	return &assizev1.WatchPolicyResponse{Update: &assizev1.WatchPolicyResponse_State{State: &assizev1.PolicyState{
		Revision: revision, PlatformRevision: platform, ConfirmedAt: timestamppb.New(at),
	}}}
}

func confirmed(at time.Time) *assizev1.WatchPolicyResponse {
	return &assizev1.WatchPolicyResponse{Update: &assizev1.WatchPolicyResponse_ConfirmedAt{ConfirmedAt: timestamppb.New(at)}}
}

// until waits for something that the stream brings about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never came to be:", what)
		}
	}
}

// ready names the policy of the answers, so that they may be kept.
func (w *watched) ready(t *testing.T, client *assize.Client) {
	t.Helper()
	w.say <- state(7, 0, noon)
	until(t, "confirmed", func() bool { return assize.Confirms(client, "acme") })
}

func keepable() *assizev1.CheckResponse {
	answer := allow()
	answer.ValidUntil = timestamppb.New(noon.Add(time.Hour))
	return answer
}

// isCached asks twice, and tells whether the second answer came from the cache.
func isCached(t *testing.T, client *assize.Client, question assize.Question) bool {
	t.Helper()
	var result assize.Result
	for range 2 {
		var err error
		if result, err = client.Check(t.Context(), question); err != nil {
			t.Fatal(err)
		}
	}
	return result.Cached
}

func TestKeepsNothingWithoutAStream(t *testing.T) {
	_, client := newWatched(t, keepable())
	if isCached(t, client, question) {
		t.Error("kept, and nobody said that policy stands")
	}
}

func TestKeepsAnAnswerWhileTheStreamConfirmsIt(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.ready(t, client)
	if !isCached(t, client, question) || w.checks.Load() != 1 {
		t.Errorf("not kept: %d checks", w.checks.Load())
	}
	if result, _ := client.Check(t.Context(), question); !result.Allowed || result.DecisionID != "d-1" {
		t.Errorf("got %+v", result)
	}
}

func TestBelievesNobodyWhoRepeatsAMomentThatIsPast(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.ready(t, client)
	w.clock.Advance(10 * time.Second)
	w.say <- confirmed(noon)
	w.say <- nil
	w.say <- confirmed(noon) // over the next stream
	w.say <- confirmed(noon)
	if isCached(t, client, question) {
		t.Error("kept by what was 10 s ago")
	}
	if w.known.Load() != 7 {
		t.Errorf("listens behind revision %d", w.known.Load())
	}
	w.say <- confirmed(noon.Add(10 * time.Second))
	until(t, "confirmed", func() bool { return assize.Confirms(client, "acme") })
	if !isCached(t, client, question) {
		t.Error("not kept, though what was known is confirmed")
	}
}

func TestForgetsWhenTheStreamSaysSo(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, w *watched, client *assize.Client){
		"a new revision": func(t *testing.T, w *watched, client *assize.Client) {
			w.say <- state(8, 0, noon.Add(time.Second))
			until(t, "revision 8", func() bool { r, _ := assize.State(client, "acme"); return r == 8 })
		},
		"a new revision of the platform": func(t *testing.T, w *watched, client *assize.Client) {
			w.say <- state(7, 1, noon.Add(time.Second))
			until(t, "revision 1", func() bool { _, p := assize.State(client, "acme"); return p == 1 })
		},
		"the same revision again, which may have another digest": func(t *testing.T, w *watched, client *assize.Client) {
			w.say <- state(7, 0, noon.Add(time.Second))
			until(t, "emptied", func() bool { return assize.CacheEntries(client) == 0 })
		},
		"the end of the stream": func(t *testing.T, w *watched, client *assize.Client) {
			w.say <- nil
			until(t, "disconnected", func() bool { return !assize.Confirms(client, "acme") })
		},
		"an update of an unknown kind": func(t *testing.T, w *watched, client *assize.Client) {
			w.say <- &assizev1.WatchPolicyResponse{}
			until(t, "disconnected", func() bool { return !assize.Confirms(client, "acme") })
		},
		"silence":        func(_ *testing.T, w *watched, _ *assize.Client) { w.clock.Advance(10 * time.Second) },
		"its time is up": func(_ *testing.T, w *watched, _ *assize.Client) { w.clock.Advance(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			w, client := newWatched(t, keepable())
			w.ready(t, client)
			if !isCached(t, client, question) {
				t.Fatal("not kept")
			}
			change(t, w, client)
			if result, _ := client.Check(t.Context(), question); result.Cached {
				t.Error("still given")
			}
		})
	}
}

func TestTheClockThatIsFurtherOnCounts(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.say <- state(7, 0, noon.Add(59*time.Minute)) // ours stands at noon
	until(t, "confirmed", func() bool { return assize.Confirms(client, "acme") })
	if !isCached(t, client, question) {
		t.Fatal("not kept")
	}
	w.clock.Advance(9 * time.Second)
	w.say <- confirmed(noon.Add(61 * time.Minute))
	until(t, "its end by the server's clock", func() bool {
		result, _ := client.Check(t.Context(), question)
		return !result.Cached
	})
}

func TestAClockThatIsSetBackMakesNoAnswerYounger(t *testing.T) {
	answer := keepable()
	answer.ValidUntil = timestamppb.New(noon.Add(5 * time.Second))
	w, client := newWatched(t, answer)
	w.ready(t, client)
	if !isCached(t, client, question) {
		t.Fatal("not kept")
	}
	w.clock.Advance(4 * time.Second)
	w.clock.Set(noon.Add(-time.Hour))
	if result, _ := client.Check(t.Context(), question); !result.Cached {
		t.Error("gone a second too early")
	}
	w.clock.Advance(time.Second)
	if !assize.Confirms(client, "acme") {
		t.Error("a clock that was set counts as silence")
	}
	if result, _ := client.Check(t.Context(), question); result.Cached {
		t.Error("still given when its time was up")
	}
}

func TestAClockThatIsSetForwardEndsWhatItHasPassed(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.ready(t, client)
	if !isCached(t, client, question) {
		t.Fatal("not kept")
	}
	w.clock.Set(noon.Add(time.Hour))
	if result, _ := client.Check(t.Context(), question); result.Cached {
		t.Error("still given when its time was up by our own clock")
	}
}

func TestAConfirmationThatDoesNotMoveIsSilence(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.ready(t, client)
	w.clock.Advance(9 * time.Second)
	w.say <- confirmed(noon) // what it said before
	w.say <- state(9, 0, noon)
	until(t, "revision 9", func() bool { r, _ := assize.State(client, "acme"); return r == 9 })
	w.clock.Advance(2 * time.Second)
	if assize.Confirms(client, "acme") {
		t.Error("an old confirmation counted")
	}
	w.say <- confirmed(noon.Add(11 * time.Second))
	until(t, "confirmed anew", func() bool { return assize.Confirms(client, "acme") })
}

func TestAnAnswerOfAnotherRevisionThanConfirmedIsNotKept(t *testing.T) {
	for _, other := range [][2]int64{{6, 0}, {8, 0}, {7, 1}} {
		answer := keepable()
		answer.Revision, answer.PlatformRevision = other[0], other[1]
		w, client := newWatched(t, answer)
		w.ready(t, client)
		if isCached(t, client, question) {
			t.Errorf("revisions %d were kept beside 7 and 0", other)
		}
	}
}

func TestAnAnswerThatWasAskedForBeforeTheChangeIsNotKept(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.ready(t, client)
	w.check = func(context.Context, *assizev1.CheckRequest) (*assizev1.CheckResponse, error) {
		w.say <- state(8, 0, noon.Add(time.Second))
		until(t, "at 8", func() bool { r, _ := assize.State(client, "acme"); return r == 8 })
		w.say <- state(7, 0, noon.Add(2*time.Second)) // a restored database that came to the same number
		until(t, "back at 7", func() bool { r, _ := assize.State(client, "acme"); return r == 7 })
		return keepable(), nil
	}
	if result, err := client.Check(t.Context(), question); err != nil || !result.Allowed {
		t.Fatalf("got %+v, %v", result, err)
	}
	if assize.CacheEntries(client) != 0 {
		t.Error("kept")
	}
}

func TestKeepsOnlyWhatMayBeGivenAgain(t *testing.T) {
	for name, change := range map[string]func(answer *assizev1.CheckResponse){
		"no time":                 func(a *assizev1.CheckResponse) { a.ValidUntil = nil },
		"a broken time":           func(a *assizev1.CheckResponse) { a.ValidUntil.Nanos = -1 },
		"no decision":             func(a *assizev1.CheckResponse) { a.Decision = 0 },
		"the past":                func(a *assizev1.CheckResponse) { a.Historical = true },
		"an approval to use up":   func(a *assizev1.CheckResponse) { a.ApprovalId = "a-1" },
		"a duty to use up":        func(a *assizev1.CheckResponse) { oblige(a, assize.UseApproval) },
		"a duty to use up beside": func(a *assizev1.CheckResponse) { oblige(a, "notify", assize.UseApproval) },
	} {
		answer := keepable()
		if !assize.IsKeepable(answer) {
			t.Fatal("the plain answer is not kept")
		}
		change(answer)
		if assize.IsKeepable(answer) {
			t.Error(name)
		}
	}
}

func TestAnAnswerThatIsGoodForNowOnlyIsNotKept(t *testing.T) {
	answer := keepable()
	answer.ValidUntil = timestamppb.New(noon)
	w, client := newWatched(t, answer)
	w.ready(t, client)
	if isCached(t, client, question) {
		t.Error("kept")
	}
}

func TestQuestionsAboutMoreThanNowAreAlwaysAsked(t *testing.T) {
	for name, asked := range map[string]assize.Question{
		"min revision": {MinRevision: 7},
		"at revision":  {AtRevision: 7},
		"as of":        {AsOf: noon},
		"explain":      {Explain: true},
	} {
		w, client := newWatched(t, keepable())
		w.ready(t, client)
		if isCached(t, client, asked) {
			t.Error(name)
		}
	}
}

func TestTheWholeQuestionIsTheKey(t *testing.T) {
	w, client := newWatched(t, keepable())
	w.ready(t, client)
	questions := []assize.Question{
		question,
		{Subject: "user:bob", Resource: "doc:1", Action: "read"},
		{Subject: "user:alice", Resource: "doc:2", Action: "read"},
		{Subject: "user:alice", Resource: "doc:1", Action: "write"},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", Env: "production"},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", SubjectTenant: "partner"},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", RunID: "r"},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", OnBehalfOf: "user:bob"},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", OnBehalfOf: "user:bob", OnBehalfOfTenant: "partner"},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", ActiveRoles: []string{"a", "b"}},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", ActiveRoles: []string{"b"}},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", Context: map[string]any{"n": 1}},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", Context: map[string]any{"n": 1.0}},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", SubjectAttributes: map[string]any{"n": 1}},
		{Subject: "user:alice", Resource: "doc:1", Action: "read", ResourceAttributes: map[string]any{"n": 1}},
	}
	for _, q := range questions {
		if result, _ := client.Check(t.Context(), q); result.Cached {
			t.Errorf("%+v had the answer to another", q)
		}
	}
	other := metadata.AppendToOutgoingContext(t.Context(), "x-who", "else")
	if result, _ := client.Check(other, question); result.Cached {
		t.Error("other metadata had the same answer")
	}
	if w.checks.Load() != int64(len(questions))+1 {
		t.Errorf("%d checks", w.checks.Load())
	}
}

func TestKeepsAtMostAsManyAsAsked(t *testing.T) {
	w, client := newWatched(t, keepable(), assize.WithCache(2))
	w.ready(t, client)
	ask := func(i int) bool {
		result, _ := client.Check(t.Context(), assize.Question{Subject: fmt.Sprintf("user:%d", i)})
		return result.Cached
	}
	ask(1)
	ask(2)
	if !ask(1) {
		t.Error("the first was forgotten too early")
	}
	ask(3) // 2 has not been asked for the longest time
	if assize.CacheEntries(client) != 2 || !ask(1) || !ask(3) || ask(2) {
		t.Error("another than the one used least lately was forgotten")
	}
}

func TestWhatACallerDoesToAnAnswerIsNotKept(t *testing.T) {
	answer := keepable()
	answer.Obligations = []*assizev1.Obligation{{Type: "mask", Properties: map[string]string{"field": "iban"}}}
	w, client := newWatched(t, answer, assize.WithObligation("mask", nil))
	w.ready(t, client)
	for range 3 {
		result, _ := client.Check(t.Context(), question)
		if !result.Allowed || result.Obligations[0].Properties["field"] != "iban" {
			t.Errorf("got %+v", result)
		}
		result.Obligations[0].Properties["field"] = "other"
	}
}

func TestTenantsBeyondThoseWatchedAreAsked(t *testing.T) {
	_, client := newWatched(t, keepable())
	for i := range 64 {
		assize.Confirms(client, fmt.Sprintf("t%d", i))
	}
	if result, err := client.Check(t.Context(), assize.Question{Tenant: "beyond"}); err != nil || !result.Allowed {
		t.Errorf("got %+v, %v", result, err)
	}
}
