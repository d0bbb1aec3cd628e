package assize

import (
	"context"
	"math/rand/v2"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// manner is how a call is tried again.
type manner struct {
	again  func(*Error) bool
	isLast func(retries Retries, try int) bool
	parts  time.Duration // one try takes at most this part of the time, so that a silent server leaves time for another
}

// Questions change nothing: they are asked again where nobody answered.
var asking = manner{
	again:  func(failure *Error) bool { return failure.Failure == FailureUnavailable },
	isLast: func(retries Retries, try int) bool { return try >= retries.Tries },
	parts:  1,
}

// What has an idempotency key is sent until its outcome is known, or the time is up.
var recording = manner{
	again:  func(failure *Error) bool { return !failure.isKnown() },
	isLast: func(Retries, int) bool { return false },
	parts:  3,
}

// call makes a unary call, and makes it again as its manner and the deadline allow.
func (c *Client) call(ctx context.Context, method string, request, response proto.Message, manner manner) *Error {
	longest := timeLeft(ctx) / manner.parts
	for try := 1; ; try++ {
		failure := c.try(ctx, longest, method, request, response)
		if failure == nil {
			return nil
		}
		wait := c.options.retries.wait(try, failure)
		if ctx.Err() != nil || wait < 0 || manner.isLast(c.options.retries, try) || !manner.again(failure) || timeLeft(ctx) <= wait {
			return failure
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return failure
		}
	}
}

func (c *Client) try(ctx context.Context, longest time.Duration, method string, request, response proto.Message) *Error {
	proto.Reset(response)
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var trailer metadata.MD
	if err := c.conn.Invoke(ctx, method, request, response, grpc.Trailer(&trailer)); err != nil {
		return errorOf(ctx, err, trailer)
	}
	return nil
}

// wait is how long before another try; negative for none.
func (r Retries) wait(try int, failure *Error) time.Duration {
	switch {
	case failure.pushback != 0:
		return failure.pushback
	case failure.RetryAfter > 0:
		return failure.RetryAfter
	}
	longest := r.LongestBackoff
	if shift := try - 1; shift < 32 && r.FirstBackoff<<shift > 0 {
		longest = min(longest, r.FirstBackoff<<shift)
	}
	return longest/2 + rand.N(longest/2+1)
}

func timeLeft(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline() // each call has one
	return time.Until(deadline)
}

// answered is what came of one item of a batch.
type answered struct {
	response *assizev1.CheckResponse
	failure  *Error
}

// askTogether sends a CheckBatch. Where it succeeds there is one answer for each request.
func (c *Client) askTogether(ctx context.Context, tenant string, requests []*assizev1.CheckRequest) ([]answered, *Error) {
	batch := &assizev1.CheckBatchRequest{Tenant: tenant, Items: requests}
	response := &assizev1.CheckBatchResponse{}
	failure := c.call(ctx, assizev1.DecisionService_CheckBatch_FullMethodName, batch, response, asking)
	if failure != nil {
		return nil, failure
	}
	if len(response.Results) != len(requests) {
		return nil, malformed("%d results to %d questions", len(response.Results), len(requests))
	}
	answers := make([]answered, len(requests))
	for i, result := range response.Results {
		switch result := result.GetResult().(type) {
		case *assizev1.CheckBatchResult_Response:
			answers[i].response = result.Response
		case *assizev1.CheckBatchResult_Error:
			answers[i].failure = itemError(result.Error)
		default:
			answers[i].failure = malformed("result %d is neither an answer nor an error", i)
		}
	}
	return answers, nil
}
