package assize

import (
	"container/list"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// The server says at least every 5 s that nothing has changed.
	longestSilence = 10 * time.Second

	watchedTenants = 64 // of the 100 streams that a caller may have
	idleWatch      = 5 * time.Minute

	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// cache keeps answers for as long as each says of itself, and only while a stream says that policy is still the one it
// rests on. What the stream has not confirmed is not there: without it, behind its last word for longer than its
// heartbeat, and of another revision than the one it names.
//
// An answer belongs to the generation of its tenant's watch in which it was asked for, and each change, gap and end of
// the stream begins a new one. So an answer that overtakes the news of a change, or is overtaken by it, is never kept.
type cache struct {
	policy assizev1.PolicyServiceClient
	size   int
	now    func() time.Time     // the wall clock, which may be set back
	steady func() time.Duration // goes on whatever happens to the wall clock
	ctx    context.Context
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu      sync.Mutex
	entries map[entryKey]*list.Element // guarded by mu, as all below
	order   *list.List                 // of *entry, the latest used first
	watches map[string]*watch
}

type entryKey struct {
	lane    lane
	request string
}

// entry is an answer of the present generation of its watch: a new one removes those before.
type entry struct {
	key    entryKey
	watch  *watch
	answer *assizev1.CheckResponse
}

// watch is what a stream has said of a tenant.
type watch struct {
	tenant     string
	generation uint64
	connected  bool // the stream that is heard now has said something
	told       bool // revision and platform are known, perhaps from an earlier stream
	revision   int64
	platform   int64
	confirmed  time.Time     // by the server's clock
	heard      time.Duration // by our steady clock, when confirmed last moved
	used       time.Duration // by our steady clock
}

// ticket is what a question that was not found needs to be kept; the zero ticket keeps nothing.
type ticket struct {
	key        entryKey
	watch      *watch
	generation uint64
}

func newCache(policy assizev1.PolicyServiceClient, size int) *cache {
	ctx, cancel := context.WithCancel(context.Background())
	begun := time.Now()
	return &cache{
		policy:  policy,
		size:    size,
		now:     time.Now,
		steady:  func() time.Duration { return time.Since(begun) },
		ctx:     ctx,
		cancel:  cancel,
		entries: map[entryKey]*list.Element{},
		order:   list.New(),
		watches: map[string]*watch{},
	}
}

func (c *cache) close() {
	c.mu.Lock()
	c.cancel() // from here on no watch begins
	c.mu.Unlock()
	c.all.Wait()
}

func (c *cache) lookUp(lane lane, request *assizev1.CheckRequest) (*assizev1.CheckResponse, ticket, bool) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, ticket{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.watchOf(lane.tenant)
	if w == nil || !c.confirms(w) {
		return nil, ticket{}, false
	}
	key := entryKey{lane, string(encoded)}
	if element, found := c.entries[key]; found {
		if kept := element.Value.(*entry); c.isValid(w, kept.answer) {
			c.order.MoveToFront(element)
			return kept.answer, ticket{}, true
		}
		c.remove(element)
	}
	return nil, ticket{key, w, w.generation}, false
}

// keep takes an answer that may be given again.
func (c *cache) keep(ticket ticket, answer *assizev1.CheckResponse) {
	if ticket.watch == nil || !isKeepable(answer) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := ticket.watch
	if ticket.generation != w.generation || !c.confirms(w) || !c.isValid(w, answer) ||
		answer.Revision != w.revision || answer.PlatformRevision != w.platform {
		return
	}
	if element, found := c.entries[ticket.key]; found {
		c.remove(element)
	}
	c.entries[ticket.key] = c.order.PushFront(&entry{ticket.key, w, answer})
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

// isKeepable tells whether an answer is one that is not used up by being given. Of its obligations only that to use an
// approval is; it carries the approval's id.
func isKeepable(answer *assizev1.CheckResponse) bool {
	consumes := func(obligation *assizev1.Obligation) bool { return obligation.GetType() == UseApproval }
	return decisionOf(answer.Decision) != DecisionUnspecified &&
		!answer.Historical &&
		answer.ValidUntil.IsValid() &&
		answer.ApprovalId == "" &&
		!slices.ContainsFunc(answer.Obligations, consumes)
}

// confirms tells whether the stream stands, and has not been silent. Guarded by mu.
func (c *cache) confirms(w *watch) bool {
	return w.connected && c.steady()-w.heard < longestSilence
}

// isValid judges by the clock that is further on, ours or the server's, which has gone on since we heard of it for as long
// as our steady one: who sets ours back makes no answer younger. Guarded by mu.
func (c *cache) isValid(w *watch, answer *assizev1.CheckResponse) bool {
	end := answer.ValidUntil.AsTime()
	return c.now().Before(end) && w.confirmed.Add(c.steady()-w.heard).Before(end)
}

// remove forgets an entry. Guarded by mu.
func (c *cache) remove(element *list.Element) {
	delete(c.entries, element.Value.(*entry).key)
	c.order.Remove(element)
}

// watchOf is the watch of a tenant, begun if need be; nil where as many are watched as may be. Guarded by mu.
func (c *cache) watchOf(tenant string) *watch {
	w := c.watches[tenant]
	if w == nil && len(c.watches) < watchedTenants && c.ctx.Err() == nil {
		w = &watch{tenant: tenant}
		c.watches[tenant] = w
		c.all.Go(func() { c.follow(w) })
	}
	if w != nil {
		w.used = c.steady()
	}
	return w
}

// follow listens until nobody asks about the tenant any more.
func (c *cache) follow(w *watch) {
	pause := firstPause
	for c.isWanted(w) {
		switch said, err := c.listen(w); {
		case status.Code(err) == codes.InvalidArgument && c.forgetState(w):
			pause = firstPause // not the policy that this was known of: it was restored from before
		case said:
			pause = firstPause
		}
		c.forget(w)
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-c.ctx.Done():
		}
		pause = min(2*pause, longestPause)
	}
}

// isWanted ends the watch where it is not.
func (c *cache) isWanted(w *watch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() == nil && c.steady()-w.used < idleWatch {
		return true
	}
	c.empty(w)
	w.connected = false
	delete(c.watches, w.tenant)
	return false
}

// listen follows one stream to its end, behind the state that is known: no node is believed that has not seen that yet.
// It tells whether the stream said anything, and how it ended.
func (c *cache) listen(w *watch) (bool, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	stream, err := c.policy.WatchPolicy(ctx, c.watchRequest(w))
	if err != nil {
		return false, err
	}
	silent := time.AfterFunc(longestSilence, cancel)
	defer silent.Stop()
	for said := false; ; said = true {
		update, err := stream.Recv()
		if err != nil || !c.take(w, update) || !c.isWanted(w) {
			return said, err
		}
		silent.Reset(longestSilence)
	}
}

func (c *cache) watchRequest(w *watch) *assizev1.WatchPolicyRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &assizev1.WatchPolicyRequest{Tenant: w.tenant, KnownRevision: w.revision, KnownPlatformRevision: w.platform}
}

// take takes an update; false where the stream is of no use.
func (c *cache) take(w *watch, update *assizev1.WatchPolicyResponse) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch said := update.GetUpdate().(type) {
	case *assizev1.WatchPolicyResponse_State:
		c.empty(w)
		w.connected, w.told = true, true
		w.revision, w.platform = said.State.GetRevision(), said.State.GetPlatformRevision()
		c.confirm(w, said.State.GetConfirmedAt().AsTime())
	case *assizev1.WatchPolicyResponse_ConfirmedAt:
		if w.told {
			w.connected = true
			c.confirm(w, said.ConfirmedAt.AsTime())
		}
	default:
		return false
	}
	return true
}

// confirm notes that the state was the current one at that moment, if that is later than what was known: a node that is
// cut off repeats what it knew. Guarded by mu.
func (c *cache) confirm(w *watch, at time.Time) {
	if at.After(w.confirmed) {
		w.confirmed, w.heard = at, c.steady()
	}
}

// forget ends what a stream had confirmed. The state and the moment are known still, to be held against the next.
func (c *cache) forget(w *watch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.connected = false
	c.empty(w)
}

// forgetState has the next stream begin with whatever is the state then; false where nothing was known.
func (c *cache) forgetState(w *watch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := w.told
	w.told, w.revision, w.platform, w.confirmed = false, 0, 0, time.Time{}
	return known
}

// empty begins a new generation, and drops the entries of those before. Guarded by mu.
func (c *cache) empty(w *watch) {
	w.generation++
	for element := c.order.Front(); element != nil; {
		next := element.Next()
		if element.Value.(*entry).watch == w {
			c.remove(element)
		}
		element = next
	}
}
