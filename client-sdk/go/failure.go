package assize

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Failure names why there is no answer that may be acted upon. The words are the same in every language's client.
type Failure string

const (
	FailureNone               Failure = "" // there is an answer; it may still be a deny
	FailureUnavailable        Failure = "UNAVAILABLE"
	FailureDeadlineExceeded   Failure = "DEADLINE_EXCEEDED"
	FailureUnauthenticated    Failure = "UNAUTHENTICATED"
	FailurePermissionDenied   Failure = "PERMISSION_DENIED" // of the caller, not of the subject
	FailureInvalidArgument    Failure = "INVALID_ARGUMENT"
	FailureResourceExhausted  Failure = "RESOURCE_EXHAUSTED"
	FailureMalformedAnswer    Failure = "MALFORMED_ANSWER"     // an answer to something else than was asked
	FailureUnspecified        Failure = "UNSPECIFIED_DECISION" // neither an allow nor a deny
	FailureUnknownObligation  Failure = "UNKNOWN_OBLIGATION"   // allowed, under a duty that the client does not know
	FailureHistorical         Failure = "HISTORICAL"           // an answer about the past
	FailureInternal           Failure = "INTERNAL"
	FailureCancelled          Failure = "CANCELLED"
	FailureAlreadyExists      Failure = "ALREADY_EXISTS"      // of AppendAudit: the key was used with other content
	FailureFailedPrecondition Failure = "FAILED_PRECONDITION" // of AppendAudit: the ledger is halted
)

// Error is a call that failed.
type Error struct {
	Failure Failure
	Reason  string // the server's, for example CREDENTIALS_INVALID; empty where it gave none
	Message string

	// RetryAfter is when the server asks to come back; 0 where it says nothing.
	RetryAfter time.Duration

	// IdempotencyKey is that of an AppendAudit: the same events may be sent again under it.
	IdempotencyKey string

	code     codes.Code
	cause    error
	pushback time.Duration // negative: not to be tried again
}

func (e *Error) Error() string {
	text := "assize: " + string(e.Failure)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	return text + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.cause }

// errorOf reads what a call came back with.
func errorOf(ctx context.Context, err error, trailer metadata.MD) *Error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	answer := status.Convert(err)
	if late := ctx.Err(); late != nil {
		answer = status.FromContextError(late) // whatever the transport made of it
	}
	failed := &Error{Failure: failureOf(answer.Code()), code: answer.Code(), Message: answer.Message(), cause: err}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failed.Reason = detail.GetReason()
		case *errdetails.RetryInfo:
			failed.RetryAfter = max(0, detail.GetRetryDelay().AsDuration())
		}
	}
	failed.pushback = pushback(trailer)
	return failed
}

// isKnown tells whether a call that failed had certainly no effect, and would have none again.
func (e *Error) isKnown() bool {
	switch e.code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Aborted, codes.Unknown, codes.Internal:
		return false
	case codes.ResourceExhausted:
		return e.RetryAfter == 0
	default:
		return true
	}
}

// pushback is what `grpc-retry-pushback-ms` says: 0 for nothing, negative for not to try again.
func pushback(trailer metadata.MD) time.Duration {
	said := trailer.Get("grpc-retry-pushback-ms")
	if len(said) == 0 {
		return 0
	}
	millis, err := strconv.ParseInt(said[0], 10, 32)
	if err != nil || millis < 0 || len(said) > 1 {
		return -1
	}
	return max(time.Nanosecond, time.Duration(millis)*time.Millisecond)
}

func failureOf(code codes.Code) Failure {
	switch code {
	case codes.Unavailable:
		return FailureUnavailable
	case codes.DeadlineExceeded:
		return FailureDeadlineExceeded
	case codes.Unauthenticated:
		return FailureUnauthenticated
	case codes.PermissionDenied:
		return FailurePermissionDenied
	case codes.InvalidArgument:
		return FailureInvalidArgument
	case codes.ResourceExhausted:
		return FailureResourceExhausted
	case codes.Canceled:
		return FailureCancelled
	case codes.AlreadyExists:
		return FailureAlreadyExists
	case codes.FailedPrecondition:
		return FailureFailedPrecondition
	default:
		return FailureInternal
	}
}

func invalid(err error) *Error {
	return &Error{Failure: FailureInvalidArgument, Message: err.Error(), cause: err}
}

func malformed(format string, values ...any) *Error {
	return &Error{Failure: FailureMalformedAnswer, Message: fmt.Sprintf(format, values...)}
}

func requireUTF8(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%q is not UTF-8", text)
	}
	return nil
}
