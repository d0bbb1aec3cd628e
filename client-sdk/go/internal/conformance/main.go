// Command conformance lets the conformance suite of all clients speak with this one: it reads one JSON object a line and
// answers one a line, as client-sdk/conformance/README.md says.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizehttp"
	"assize.dev/client-sdk/go/ledger"
)

const longestLine = 16 << 20

func main() {
	adapter := &adapter{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, 1<<16), longestLine)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		if err := out.Encode(adapter.answer(in.Bytes())); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

// adapter has the client that was opened last.
type adapter struct {
	client *assize.Client
}

// asked is a line; which members count depends on the op.
type asked struct {
	Op              string            `json:"op"`
	Target          string            `json:"target"`
	Key             string            `json:"key"`
	TimeoutMillis   int64             `json:"timeoutMillis"`
	Cache           bool              `json:"cache"`
	Batching        bool              `json:"batching"`
	Obligations     []string          `json:"obligations"`
	Tries           int               `json:"tries"`
	Request         request           `json:"request"`
	Requests        []request         `json:"requests"`
	Tenant          string            `json:"tenant"`
	Events          []json.RawMessage `json:"events"`
	IdempotencyKey  string            `json:"idempotencyKey"`
	File            string            `json:"file"`
	VerifierKeys    []string          `json:"verifierKeys"`
	KeptCheckpoint  string            `json:"keptCheckpoint"`
	Times           int               `json:"times"`
	Method          string            `json:"method"`
	Path            string            `json:"path"`
	Subject         string            `json:"subject"`
	Wide            bool              `json:"wide"`
	Seek            string            `json:"seek"`
	Type            string            `json:"type"`
	Limit           int               `json:"limit"`
	Cursor          string            `json:"cursor"`
	Acknowledgement string            `json:"acknowledgement"`
	Event           json.RawMessage   `json:"event"`
}

type request struct {
	Subject            string         `json:"subject"`
	Resource           string         `json:"resource"`
	Action             string         `json:"action"`
	Tenant             string         `json:"tenant"`
	Env                string         `json:"env"`
	SubjectAttributes  map[string]any `json:"subjectAttributes"`
	ResourceAttributes map[string]any `json:"resourceAttributes"`
	Context            map[string]any `json:"context"`
	SubjectTenant      string         `json:"subjectTenant"`
	OnBehalfOf         string         `json:"onBehalfOf"`
	OnBehalfOfTenant   string         `json:"onBehalfOfTenant"`
	ActiveRoles        []string       `json:"activeRoles"`
	RunID              string         `json:"runId"`
	MinRevision        int64          `json:"minRevision"`
	AtRevision         int64          `json:"atRevision"`
	Explain            bool           `json:"explain"`

	TimeoutMillis     int64 `json:"timeoutMillis"`     // of a concurrent one
	CancelAfterMillis int64 `json:"cancelAfterMillis"` // when whoever asks leaves
}

// within ends with the request's own time, or when whoever asks leaves.
func (r request) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.TimeoutMillis > 0 {
		return context.WithTimeout(ctx, millis(r.TimeoutMillis))
	}
	ctx, cancel := context.WithCancel(ctx)
	if r.CancelAfterMillis > 0 {
		time.AfterFunc(millis(r.CancelAfterMillis), cancel)
	}
	return ctx, cancel
}

func (r request) question() assize.Question {
	return assize.Question{
		Subject: r.Subject, Resource: r.Resource, Action: r.Action, Tenant: r.Tenant, Env: r.Env,
		SubjectAttributes: r.SubjectAttributes, ResourceAttributes: r.ResourceAttributes, Context: r.Context,
		SubjectTenant: r.SubjectTenant, OnBehalfOf: r.OnBehalfOf, OnBehalfOfTenant: r.OnBehalfOfTenant,
		ActiveRoles: r.ActiveRoles, RunID: r.RunID, MinRevision: r.MinRevision, AtRevision: r.AtRevision, Explain: r.Explain,
	}
}

type obligation struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"`
	Properties map[string]string `json:"properties"`
}

type result struct {
	Allowed     bool         `json:"allowed"`
	Decision    string       `json:"decision"`
	Reason      string       `json:"reason"`
	Failure     string       `json:"failure"`
	Cached      bool         `json:"cached"`
	Obligations []obligation `json:"obligations"`
}

type receipt struct {
	Seq       int64  `json:"seq"`
	EntryHash string `json:"entryHash"`
}

type failed struct {
	Error string `json:"error"`
}

func (a *adapter) answer(line []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber() // whole numbers stay whole
	var asked asked
	if err := decoder.Decode(&asked); err != nil {
		return failed{err.Error()}
	}
	answer, err := a.do(asked)
	if err != nil {
		return failed{err.Error()}
	}
	return answer
}

func (a *adapter) do(asked asked) (any, error) {
	switch asked.Op {
	case "open":
		return a.open(asked)
	case "close":
		return map[string]bool{"ok": true}, a.close()
	case "verifyBundle":
		return verifyBundle(asked)
	case "check", "checkBatch", "checkConcurrently", "append", "checkAndAppend", "door", "search":
	default:
		return nil, fmt.Errorf("%q is no op", asked.Op)
	}
	if a.client == nil {
		return nil, errors.New("nothing is open")
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if asked.TimeoutMillis > 0 {
		ctx, cancel = context.WithTimeout(ctx, millis(asked.TimeoutMillis))
	}
	defer cancel()
	switch asked.Op {
	case "check":
		return a.check(ctx, asked.Request), nil
	case "checkBatch":
		return a.checkBatch(ctx, slices.Repeat(asked.Requests, max(1, asked.Times))), nil
	case "checkConcurrently":
		return a.checkConcurrently(ctx, slices.Repeat(asked.Requests, max(1, asked.Times))), nil
	case "checkAndAppend":
		return a.checkAndAppend(ctx, asked)
	case "door":
		return a.door(ctx, asked)
	case "search":
		return a.search(ctx, asked)
	default:
		return a.append(ctx, asked)
	}
}

func (a *adapter) open(asked asked) (any, error) {
	if err := a.close(); err != nil {
		return nil, err
	}
	options := []assize.Option{assize.WithKey(asked.Key)}
	if asked.TimeoutMillis > 0 {
		options = append(options,
			assize.WithCheckDeadline(millis(asked.TimeoutMillis)), assize.WithCallDeadline(millis(asked.TimeoutMillis)))
	}
	if asked.Cache {
		options = append(options, assize.WithCache(1000))
	}
	if asked.Batching {
		options = append(options, assize.WithBatching())
	}
	if asked.Tries > 0 {
		options = append(options, assize.WithRetries(
			assize.Retries{Tries: asked.Tries, FirstBackoff: 50 * time.Millisecond, LongestBackoff: time.Second}))
	}
	for _, known := range asked.Obligations {
		options = append(options, assize.WithObligation(known, nil))
	}
	client, err := assize.New(asked.Target, options...)
	a.client = client
	return map[string]bool{"ok": true}, err
}

func (a *adapter) close() error {
	if a.client == nil {
		return nil
	}
	err := a.client.Close()
	a.client = nil
	return err
}

func (a *adapter) check(ctx context.Context, request request) result {
	checked, _ := a.client.Check(ctx, request.question()) // an error is the result's own
	return told(checked)
}

func (a *adapter) checkBatch(ctx context.Context, requests []request) any {
	questions := make([]assize.Question, len(requests))
	for i, request := range requests {
		questions[i] = request.question()
	}
	checked, _ := a.client.CheckBatch(ctx, questions)
	results := make([]result, len(checked))
	for i := range checked {
		results[i] = told(checked[i])
	}
	return map[string]any{"results": results}
}

func (a *adapter) checkConcurrently(ctx context.Context, requests []request) any {
	results := make([]result, len(requests))
	var all sync.WaitGroup
	for i, request := range requests {
		all.Go(func() {
			ctx, cancel := request.within(ctx)
			defer cancel()
			results[i] = a.check(ctx, request)
		})
	}
	all.Wait()
	return map[string]any{"results": results}
}

const whoHeader = "X-Verified-Subject"

// door puts one request to a service behind the door for HTTP.
func (a *adapter) door(ctx context.Context, asked asked) (any, error) {
	routes := assizehttp.Routes{
		"GET /docs/{id}":  {Action: "read", Resource: "doc:{id}", Tenant: asked.Tenant},
		"POST /docs/{id}": {Action: "write", Resource: "doc:{id}", Tenant: asked.Tenant},
		"GET /health":     assizehttp.Open,
	}
	if asked.Wide {
		routes["GET /{rest...}"] = assizehttp.Open
	}
	who := func(r *http.Request) (string, error) { return r.Header.Get(whoHeader), nil }
	door, err := assizehttp.New(a.client, who, routes)
	if err != nil {
		return nil, err
	}
	request := httptest.NewRequestWithContext(ctx, asked.Method, "http://service"+asked.Path, nil)
	if asked.Subject != "" {
		request.Header.Set(whoHeader, asked.Subject)
	}
	answer := httptest.NewRecorder()
	door.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(answer, request)
	return map[string]any{"status": answer.Code, "decision": answer.Header().Get("Assize-Decision-Id") != ""}, nil
}

func told(checked assize.Result) result {
	told := result{
		Allowed: checked.Allowed, Decision: string(checked.Decision), Reason: checked.Reason,
		Failure: string(checked.Failure), Cached: checked.Cached, Obligations: []obligation{},
	}
	for _, one := range checked.Obligations {
		properties := one.Properties
		if properties == nil {
			properties = map[string]string{}
		}
		told.Obligations = append(told.Obligations, obligation{one.ID, one.Type, properties})
	}
	return told
}

func (a *adapter) append(ctx context.Context, asked asked) (any, error) {
	what := assize.Append{Tenant: asked.Tenant, IdempotencyKey: asked.IdempotencyKey}
	what.Acknowledgement = assize.Acknowledgement(asked.Acknowledgement)
	for _, encoded := range asked.Events {
		event, err := eventOf(encoded)
		if err != nil {
			return nil, err
		}
		what.Events = append(what.Events, event)
	}
	appended, err := a.client.AppendAudit(ctx, what)
	receipts := []receipt{}
	for _, one := range appended.Receipts {
		receipts = append(receipts, receipt{one.Seq, hex.EncodeToString(one.EntryHash)})
	}
	told := map[string]any{"receipts": receipts, "acknowledgement": appended.Acknowledgement, "spooled": nil}
	if at := appended.Spooled; at != nil {
		told["spooled"] = map[string]any{"spoolId": at.SpoolID, "number": at.Number}
	}
	told["failure"], err = failureOf(err)
	return told, err
}

// failureOf is the client's word for what went wrong; an error that has none is the adapter's own.
func failureOf(err error) (string, error) {
	known := (*assize.Error)(nil)
	if errors.As(err, &known) {
		return string(known.Failure), nil
	}
	return "", err
}

func (a *adapter) search(ctx context.Context, asked asked) (any, error) {
	search := assize.Search{Type: asked.Type, Limit: asked.Limit, Cursor: asked.Cursor}
	var found *assize.Found
	switch question := asked.Request.question(); asked.Seek {
	case "subjects":
		found = a.client.SearchSubjects(ctx, question, search)
	case "resources":
		found = a.client.SearchResources(ctx, question, search)
	case "actions":
		found = a.client.SearchActions(ctx, question, search)
	default:
		return nil, fmt.Errorf("%q cannot be sought", asked.Seek)
	}
	names, failed := []string{}, error(nil)
	for name, err := range found.Names() {
		if err != nil {
			failed = err
			break
		}
		names = append(names, name)
	}
	wildcards := []string{}
	if failed == nil {
		wildcards = append(wildcards, found.Wildcards()...)
	}
	failure, err := failureOf(failed)
	return map[string]any{
		"names": names, "wildcards": wildcards, "truncated": found.Truncated(), "cursor": found.Cursor(), "failure": failure,
	}, err
}

func (a *adapter) checkAndAppend(ctx context.Context, asked asked) (any, error) {
	event, err := eventOf(asked.Event)
	if err != nil {
		return nil, err
	}
	done, _ := a.client.CheckAndAppend(ctx, asked.Request.question(), event, asked.IdempotencyKey)
	return map[string]any{"result": told(done.Result), "recorded": done.Receipt != nil, "replayed": done.Replayed}, nil
}

// eventOf reads the JSON names of the .proto, which differ from the client's by their first letter only.
func eventOf(encoded []byte) (assize.Event, error) {
	var event struct {
		Type, Category, Actor, ActorTenant, OnBehalfOf, Role, Action, Resource, Env string
		Outcome                                                                     assize.Outcome
		OccurredAt                                                                  time.Time
		RunID                                                                       string `json:"runId"`
		DecisionID                                                                  string `json:"decisionId"`
		Reason                                                                      string
		Override                                                                    bool
		Payload                                                                     string
		Reads, Writes, Erasable                                                     []string
	}
	if err := json.Unmarshal(encoded, &event); err != nil {
		return assize.Event{}, err
	}
	return assize.Event{
		Type: event.Type, Category: event.Category, Actor: event.Actor, ActorTenant: event.ActorTenant,
		OnBehalfOf: event.OnBehalfOf, Role: event.Role, Action: event.Action, Resource: event.Resource, Env: event.Env,
		Outcome: event.Outcome, OccurredAt: event.OccurredAt, RunID: event.RunID, DecisionID: event.DecisionID,
		Reason: event.Reason, Override: event.Override, Payload: event.Payload, Reads: event.Reads, Writes: event.Writes,
		Erasable: event.Erasable,
	}, nil
}

func verifyBundle(asked asked) (any, error) {
	answer := struct {
		Valid    bool   `json:"valid"`
		Reason   string `json:"reason"`
		TreeSize int64  `json:"treeSize"`
		FirstBad *int64 `json:"firstBad"`
	}{}
	report, err := verify(asked)
	wrong := (*ledger.NotProvenError)(nil)
	switch {
	case err == nil:
		answer.Valid, answer.TreeSize = true, report.Checkpoint.Size
	case errors.As(err, &wrong):
		answer.Reason = wrong.Message
		if wrong.Seq >= 0 {
			answer.FirstBad = &wrong.Seq
		}
	default:
		return nil, err
	}
	return answer, nil
}

func verify(asked asked) (ledger.Report, error) {
	var keys []ledger.Key
	for _, text := range asked.VerifierKeys {
		key, err := ledger.ParseKey(text)
		if err != nil {
			return ledger.Report{}, err
		}
		keys = append(keys, key)
	}
	var kept []byte
	if asked.KeptCheckpoint != "" {
		kept = []byte(asked.KeptCheckpoint)
	}
	return ledger.VerifyBundle(asked.File, keys, kept)
}

func millis(count int64) time.Duration { return time.Duration(count) * time.Millisecond }
