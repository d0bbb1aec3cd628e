package assize

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
)

// Client asks a server. It is safe for concurrent use; one is enough for a process and a key.
type Client struct {
	options  *options
	conn     *grpc.ClientConn
	gatherer *gatherer // nil without batching
	cache    *cache    // nil without
}

const (
	// Of a CheckBatch of 1,000 answers with their obligations.
	largestAnswer = 16 << 20

	// The server takes pings every 30 s.
	keepaliveTime    = 45 * time.Second
	keepaliveTimeout = 10 * time.Second
)

// New makes a client of the server at host:port, at a unix socket (unix:/run/assize.sock, or just the path) or at what
// else gRPC's names reach. It connects when it is first asked.
func New(target string, opts ...Option) (*Client, error) {
	o := defaults()
	for _, option := range opts {
		if err := option(o); err != nil {
			return nil, fmt.Errorf("assize: %w", err)
		}
	}
	if o.key == "" {
		o.key = strings.TrimSpace(os.Getenv(KeyVariable))
	}
	if o.key == "" {
		return nil, errors.New("assize: no API key: expected WithKey, WithKeyFile or " + KeyVariable)
	}
	if strings.HasPrefix(target, "/") {
		target = "unix:" + target
	}
	transport, err := o.transport(target)
	if err != nil {
		return nil, fmt.Errorf("assize: %w", err)
	}
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(apiKey(o.key)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestAnswer)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithUserAgent("assize-go"),
		grpc.WithChainUnaryInterceptor(traceUnary(o.tracing)),
		grpc.WithChainStreamInterceptor(traceStream(o.tracing)),
	}, o.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("assize: %w", err)
	}
	c := &Client{options: o, conn: conn}
	if o.usesApprovals {
		o.obligations[UseApproval] = c.useApproval
	}
	if o.batching {
		c.gatherer = newGatherer(c)
	}
	if o.cacheEntries > 0 {
		c.cache = newCache(assizev1.NewPolicyServiceClient(conn), o.cacheEntries)
	}
	return c, nil
}

// Conn is the connection, with the key on each call, for the RPCs that have no method here:
// assizev1.NewPolicyServiceClient(client.Conn()). What comes back over it is as the server said it, and fails open or
// closed as its caller has it.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Close ends the connection and what waits on it.
func (c *Client) Close() error {
	if c.cache != nil {
		c.cache.close()
	}
	return c.conn.Close()
}

// Check asks one question. Everything but an allow is a denied result. The error is not nil where the question is
// malformed, and with WithErrors for every other failure; it is always the result's own, and the result is denied then.
func (c *Client) Check(ctx context.Context, question Question) (Result, error) {
	ctx, cancel := within(ctx, c.options.checkDeadline)
	defer cancel()
	ctx, end := c.options.tracing.Start(ctx, "assize.check", or(question.Tenant, c.options.tenant))
	result := c.check(ctx, question)
	end(outcomeOf(result), result.Err)
	return result, c.raised(result)
}

func (c *Client) check(ctx context.Context, question Question) Result {
	request, err := c.request(question)
	if err != nil {
		return failed(invalid(err))
	}
	lane := laneOf(ctx, request.Tenant)
	var ticket ticket
	if c.cache != nil && isPlain(request) {
		kept, found := (*assizev1.CheckResponse)(nil), false
		if kept, ticket, found = c.cache.lookUp(lane, request); found {
			return c.judge(request, kept, true)
		}
	}
	answer, failure := c.ask(ctx, lane, request)
	if failure != nil {
		return failed(failure)
	}
	if c.cache != nil {
		c.cache.keep(ticket, answer)
	}
	return c.judge(request, answer, false)
}

// ask puts the question, alone or with others.
func (c *Client) ask(ctx context.Context, lane lane, request *assizev1.CheckRequest) (*assizev1.CheckResponse, *Error) {
	if c.gatherer != nil && isPlain(request) {
		return c.gatherer.ask(ctx, lane, request)
	}
	return c.askAlone(ctx, request)
}

func (c *Client) askAlone(ctx context.Context, request *assizev1.CheckRequest) (*assizev1.CheckResponse, *Error) {
	answer := &assizev1.CheckResponse{}
	err := c.call(ctx, assizev1.DecisionService_Check_FullMethodName, request, answer, asking)
	return answer, err
}

func (c *Client) raised(result Result) error {
	switch {
	case result.Failure == FailureInvalidArgument, c.options.asErrors && result.Err != nil:
		return result.Err
	case c.options.asErrors && result.Failure != FailureNone:
		return &Error{Failure: result.Failure, Reason: result.Reason, Message: result.Why()}
	default:
		return nil
	}
}

// CheckBatch asks up to 1,000 questions of one tenant at once, decided against one revision. Results keep the order of the
// questions. One that is malformed, or of another tenant than the first, fails alone, as a result with
// FailureInvalidArgument; the error is not nil only where the batch as a whole is refused as malformed, and with WithErrors
// where it failed.
func (c *Client) CheckBatch(ctx context.Context, questions []Question) ([]Result, error) {
	ctx, cancel := within(ctx, c.options.checkDeadline)
	defer cancel()
	ctx, end := c.options.tracing.Start(ctx, "assize.check_batch", c.options.tenant)
	results, failure := c.checkBatch(ctx, questions)
	outcome := "ANSWERED"
	if failure != nil {
		outcome = string(failure.Failure)
	}
	end(outcome, failure)
	if failure != nil && (failure.Failure == FailureInvalidArgument || c.options.asErrors) {
		return results, failure
	}
	return results, nil
}

// checkBatch sends one CheckBatch. The failure is that of the batch as a whole.
func (c *Client) checkBatch(ctx context.Context, questions []Question) ([]Result, *Error) {
	results := make([]Result, len(questions))
	var batch []*assizev1.CheckRequest
	var places []int
	for i, question := range questions {
		request, err := c.request(question)
		if err != nil {
			results[i] = failed(invalid(err))
			continue
		}
		batch, places = append(batch, request), append(places, i)
	}
	if len(batch) == 0 {
		return results, nil
	}
	answers, failure := c.askTogether(ctx, or(questions[0].Tenant, c.options.tenant), batch)
	for n, i := range places {
		if failure != nil {
			results[i] = failed(failure)
		} else {
			results[i] = c.judged(batch[n], answers[n])
		}
	}
	return results, failure
}

func (c *Client) judged(request *assizev1.CheckRequest, answer answered) Result {
	if answer.failure != nil {
		return failed(answer.failure)
	}
	return c.judge(request, answer.response, false)
}

// Enforce asks, and carries out the obligations of an allow by the functions that WithObligation named. The error is nil
// only where the action may go ahead now; otherwise it is a *DeniedError, whatever went wrong.
func (c *Client) Enforce(ctx context.Context, question Question) (Result, error) {
	result, _ := c.Check(ctx, question)
	if !result.Allowed {
		return result, &DeniedError{Result: result}
	}
	for _, obligation := range result.Obligations {
		fulfil := c.options.obligations[obligation.Type]
		if fulfil == nil {
			result.Allowed, result.Failure = false, FailureUnknownObligation
			return result, &DeniedError{Result: result, cause: fmt.Errorf("nothing carries out %q here", obligation.Type)}
		}
		if err := fulfil(ctx, question, result, obligation); err != nil {
			result.Allowed, result.Failure = false, FailureInternal
			return result, &DeniedError{Result: result, cause: fmt.Errorf("%s: %w", obligation.Type, err)}
		}
	}
	return result, nil
}

// DeniedError says that an action may not go ahead, and by its Result why.
type DeniedError struct {
	Result Result
	cause  error
}

func (e *DeniedError) Error() string {
	if e.cause != nil {
		return "assize: denied, because an obligation was not carried out: " + e.cause.Error()
	}
	return "assize: " + e.Result.Why()
}

func (e *DeniedError) Unwrap() error {
	if e.cause == nil && e.Result.Err != nil {
		return e.Result.Err
	}
	return e.cause
}
