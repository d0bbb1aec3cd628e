package assize

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	batchItems = 1000    // the server's bound
	batchBytes = 4 << 20 // the server takes 12 MiB
	aloneAtOne = 16      // Checks under way at a time where a batch is asked one by one
	underWay   = 2       // calls of a lane before questions wait: the server decides one while the other travels
	patience   = 4       // who has waited for this part of its time goes alone
)

// lane names those Checks that may travel together: of one tenant, with the same metadata. The key is the client's.
type lane struct {
	tenant   string
	metadata string
}

func laneOf(ctx context.Context, tenant string) lane {
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	if len(outgoing) == 0 {
		return lane{tenant: tenant}
	}
	var lines []string
	for name, values := range outgoing {
		lines = append(lines, fmt.Sprintf("%q %q", name, values)) // quoted: values of -bin names hold any byte
	}
	slices.Sort(lines)
	return lane{tenant, strings.Join(lines, "\n")}
}

// gatherer puts Checks that are asked at the same time into batches. In each lane two calls are under way at a time, and
// what is asked meanwhile goes together as the next: the busier the server, the larger the batches, and nobody waits for
// company. Who has waited for a quarter of its time goes alone, so that calls that hang delay others, and fail nobody.
type gatherer struct {
	client *Client

	mu    sync.Mutex
	lanes map[lane]*traffic // guarded by mu, with what it holds; a lane is there while a call of it is under way
}

// traffic is what goes on in a lane. Somebody waits only while there is no room.
type traffic struct {
	calls   int
	waiting []*asked
}

// asked is a question that waits for its answer.
type asked struct {
	ctx     context.Context
	request *assizev1.CheckRequest
	answer  chan answered
}

func newGatherer(client *Client) *gatherer {
	return &gatherer{client: client, lanes: map[lane]*traffic{}}
}

func (g *gatherer) ask(ctx context.Context, lane lane, request *assizev1.CheckRequest) (*assizev1.CheckResponse, *Error) {
	if err := ctx.Err(); err != nil {
		return nil, errorOf(ctx, err, nil)
	}
	question := &asked{ctx: ctx, request: request, answer: make(chan answered, 1)}
	if !g.wait(lane, question) {
		defer func() { go g.goOn(lane) }() // even where an interceptor panics
		return g.client.askAlone(ctx, request)
	}
	impatient := time.NewTimer(timeLeft(ctx) / patience)
	defer impatient.Stop()
	for {
		select {
		case answer := <-question.answer:
			return answer.response, answer.failure
		case <-ctx.Done():
			return nil, errorOf(ctx, ctx.Err(), nil)
		case <-impatient.C:
			if g.leave(lane, question) {
				return g.client.askAlone(ctx, request)
			}
		}
	}
}

// wait lines up behind the calls that are under way; false where there is room, which the caller's takes.
func (g *gatherer) wait(lane lane, question *asked) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lanes[lane] == nil {
		g.lanes[lane] = &traffic{}
	}
	traffic := g.lanes[lane]
	if traffic.calls < underWay {
		traffic.calls++
		return false
	}
	traffic.waiting = append(traffic.waiting, question)
	return true
}

// leave takes a question out of those that wait; false where it is on its way already.
func (g *gatherer) leave(lane lane, question *asked) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	traffic, busy := g.lanes[lane]
	if !busy {
		return false
	}
	place := slices.Index(traffic.waiting, question)
	if place < 0 {
		return false
	}
	traffic.waiting = slices.Delete(traffic.waiting, place, place+1)
	return true
}

// goOn makes one call after another until nobody waits.
func (g *gatherer) goOn(lane lane) {
	for batch := g.next(lane); len(batch) > 0; batch = g.next(lane) {
		g.fly(lane, batch)
	}
}

// next takes as many as travel together; none where nobody waits, and there is room again then.
func (g *gatherer) next(lane lane) []*asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	traffic := g.lanes[lane]
	traffic.waiting = slices.DeleteFunc(traffic.waiting, func(question *asked) bool { return question.ctx.Err() != nil })
	if len(traffic.waiting) == 0 {
		if traffic.calls--; traffic.calls == 0 {
			delete(g.lanes, lane)
		}
		return nil
	}
	count, bytes := 0, 0
	for count < min(len(traffic.waiting), batchItems) {
		bytes += proto.Size(traffic.waiting[count].request)
		if count > 0 && bytes > batchBytes {
			break
		}
		count++
	}
	batch := slices.Clone(traffic.waiting[:count])
	traffic.waiting = slices.Delete(traffic.waiting, 0, count)
	return batch
}

func (g *gatherer) fly(lane lane, batch []*asked) {
	if len(batch) == 1 {
		batch[0].askAlone(g.client)
		return
	}
	ctx, cancel := together(batch)
	defer cancel()
	requests := make([]*assizev1.CheckRequest, len(batch))
	for i, question := range batch {
		requests[i] = question.request
	}
	answers, failure := g.client.askTogether(ctx, lane.tenant, requests)
	switch {
	case failure == nil:
		for i, question := range batch {
			question.answer <- answers[i]
		}
	case mayBeOneOfThem(failure):
		g.oneByOne(batch)
	default:
		for _, question := range batch {
			question.answer <- answered{failure: failure}
		}
	}
}

// mayBeOneOfThem tells whether those of a refused batch may fare better alone: one of them has a malformed name, or is in
// a forbidden environment, or what is between here and the server does not know CheckBatch.
func mayBeOneOfThem(failure *Error) bool {
	switch failure.code {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unimplemented:
		return true
	default:
		return false
	}
}

func (g *gatherer) oneByOne(batch []*asked) {
	places := make(chan struct{}, aloneAtOne)
	var all sync.WaitGroup
	for _, question := range batch {
		places <- struct{}{}
		all.Go(func() {
			question.askAlone(g.client)
			<-places
		})
	}
	all.Wait()
}

func (a *asked) askAlone(client *Client) {
	response, failure := client.askAlone(a.ctx, a.request)
	a.answer <- answered{response, failure}
}

// together is a context that ends when the last of them does; its values are those of the first.
func together(batch []*asked) (context.Context, context.CancelFunc) {
	var latest time.Time
	for _, question := range batch {
		if deadline, _ := question.ctx.Deadline(); deadline.After(latest) {
			latest = deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(batch[0].ctx), latest)
	var left atomic.Int64
	left.Store(int64(len(batch)))
	var stops []func() bool
	for _, question := range batch {
		stops = append(stops, context.AfterFunc(question.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

func itemError(said *status.Status) *Error {
	if err := grpcstatus.ErrorProto(said); err != nil {
		return errorOf(context.Background(), err, nil)
	}
	return malformed("an item has an error that is none")
}
