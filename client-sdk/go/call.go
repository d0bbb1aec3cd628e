package assize

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// call makes a unary call, and makes it again as long as `again` and the deadline allow.
func (c *Client) call(ctx context.Context, method string, request, response proto.Message, again func(*Error) bool) *Error {
	for try := 1; ; try++ {
		failure := c.try(ctx, method, request, response)
		if failure == nil {
			return nil
		}
		wait := c.options.retries.wait(try, failure)
		if wait < 0 || !again(failure) || !hasTime(ctx, wait) {
			return failure
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errorOf(ctx, ctx.Err(), nil)
		}
	}
}

func (c *Client) try(ctx context.Context, method string, request, response proto.Message) *Error {
	proto.Reset(response)
	reply := &reply{message: response}
	var trailer metadata.MD
	err := c.conn.Invoke(ctx, method, request, reply, grpc.ForceCodecV2(codec{}), grpc.Trailer(&trailer))
	if err != nil {
		return errorOf(ctx, err, trailer)
	}
	if reply.err != nil {
		return malformed("the answer cannot be read: %v", reply.err)
	}
	return nil
}

// wait is how long before another try; negative for none.
func (r Retries) wait(try int, failure *Error) time.Duration {
	switch {
	case try >= r.Tries || failure.pushback < 0:
		return -1
	case failure.pushback > 0:
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

func hasTime(ctx context.Context, wait time.Duration) bool {
	deadline, has := ctx.Deadline()
	return !has || time.Until(deadline) > wait
}

func ifUnavailable(failure *Error) bool { return failure.Failure == FailureUnavailable }

// ifNothingWasDone also tries again what the server refused for now, and said when to come back.
func ifNothingWasDone(failure *Error) bool {
	return ifUnavailable(failure) || failure.Failure == FailureResourceExhausted && failure.RetryAfter > 0
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
	failure := c.call(ctx, assizev1.DecisionService_CheckBatch_FullMethodName, batch, response, ifUnavailable)
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

// reply takes an answer and what is wrong with its bytes: gRPC would make INTERNAL of that, as of a server's bug.
type reply struct {
	message proto.Message
	err     error
}

// codec is gRPC's own for requests, and reads answers into a reply.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) (mem.BufferSlice, error) {
	request, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", message)
	}
	encoded, err := proto.Marshal(request)
	return mem.BufferSlice{mem.SliceBuffer(encoded)}, err
}

func (codec) Unmarshal(data mem.BufferSlice, message any) error {
	reply, ok := message.(*reply)
	if !ok {
		return fmt.Errorf("%T takes no answer", message)
	}
	reply.err = proto.Unmarshal(data.Materialize(), reply.message)
	return nil
}
