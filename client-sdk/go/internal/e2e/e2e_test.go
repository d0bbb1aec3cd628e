// Package e2e holds the client, its example and its README to the real server.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"assize.dev/client-sdk/go/internal/e2e/testserver"
	"assize.dev/client-sdk/go/ledger"
)

var (
	server   *testserver.Server // nil where it is not built
	notesKey string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	server, err = testserver.Start()
	if errors.Is(err, testserver.ErrNotBuilt) {
		return m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = server.Stop() }()
	if err := prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func prepare(ctx context.Context) error {
	policy, err := os.ReadFile("../../examples/notes/policy.yaml")
	if err != nil {
		return err
	}
	if err := server.Apply(ctx, string(policy)); err != nil {
		return err
	}
	notesKey, err = server.NewKey(ctx, "service:notes", "notes")
	return err
}

func needServer(t *testing.T) {
	t.Helper()
	if server == nil {
		t.Skip(testserver.ErrNotBuilt)
	}
}

func newClient(t *testing.T, opts ...assize.Option) *assize.Client {
	t.Helper()
	needServer(t)
	client, err := server.Client(append([]assize.Option{assize.WithKey(notesKey), assize.WithTenant("notes")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

var (
	mayWrite    = assize.Question{Subject: "user:alice", Resource: "note:1", Action: "write"}
	mayNotWrite = assize.Question{Subject: "user:bob", Resource: "note:1", Action: "write"}
)

func TestWhoMayNotAskIsDenied(t *testing.T) {
	wrongKey := newClient(t, assize.WithKey("asz_aaaaaaaaaaaa_"+strings.Repeat("a", 43)))
	if result, err := wrongKey.Check(t.Context(), mayWrite); err != nil || result.Allowed || result.Failure != assize.FailureUnauthenticated || result.Err.Reason != "CREDENTIALS_INVALID" {
		t.Errorf("%+v, %v", result, err)
	}
	elsewhere := newClient(t, assize.WithTenant("assize"))
	if result, err := elsewhere.Check(t.Context(), mayWrite); err != nil || result.Allowed || result.Failure != assize.FailurePermissionDenied {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestAsksAloneInABatchAndTogether(t *testing.T) {
	client := newClient(t, assize.WithBatching())
	malformed := assize.Question{Subject: "nobody", Resource: "note:1", Action: "write"}
	if result, err := client.Check(t.Context(), malformed); err == nil || result.Allowed {
		t.Errorf("%+v, %v", result, err)
	}
	results, err := client.CheckBatch(t.Context(), []assize.Question{mayWrite, malformed, mayNotWrite})
	if err != nil || !results[0].Allowed || results[1].Failure != assize.FailureInvalidArgument || results[2].Allowed || results[2].Reason != "NO_GRANT" {
		t.Errorf("%+v, %v", results, err)
	}
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			asked := []assize.Question{mayWrite, malformed, mayNotWrite}[i%3]
			result, err := client.Check(t.Context(), asked)
			if result.Allowed != (i%3 == 0) || (err != nil) != (i%3 == 1) {
				t.Errorf("%d: %+v, %v", i, result, err)
			}
		})
	}
	all.Wait()
}

func TestAnAnswerAboutThePastNeverAllows(t *testing.T) {
	needServer(t)
	client, err := server.Client(assize.WithTenant("notes"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	past := mayWrite
	past.AtRevision = 1
	result, err := client.Check(t.Context(), past)
	if err != nil || result.Allowed || !result.Historical || result.Failure != assize.FailureHistorical || result.Decision != assize.DecisionAllow {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestKeepsAnswersUntilPolicyChanges(t *testing.T) {
	client := newClient(t, assize.WithCache(10))
	isCached := func(question assize.Question) bool {
		result, err := client.Check(t.Context(), question)
		if err != nil || !result.Allowed && result.Failure != "" {
			t.Fatalf("%+v, %v", result, err)
		}
		return result.Cached
	}
	until(t, "an answer from the cache", func() bool { return isCached(mayWrite) })
	if err := server.Apply(t.Context(), `
apiVersion: assize.dev/v1
kind: RoleBinding
metadata: {tenant: notes, name: newcomers}
spec: {subjects: ["user:carol"], role: author}
`); err != nil {
		t.Fatal(err)
	}
	until(t, "the new policy", func() bool {
		result, _ := client.Check(t.Context(), assize.Question{Subject: "user:carol", Resource: "note:1", Action: "write"})
		return result.Allowed
	})
	until(t, "an answer from the cache again", func() bool { return isCached(mayWrite) })
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never came to be:", what)
		}
	}
}

func TestRecordsOnceAndTheBundleProvesIt(t *testing.T) {
	client := newClient(t)
	what := assize.Append{IdempotencyKey: "e2e", Events: []assize.Event{
		{Type: "note.written", Actor: "user:alice", Action: "write", Resource: "note:1", Outcome: assize.OutcomeSuccess, Reason: "für morgen", Erasable: []string{"reason"}},
		{Type: "note.read", Actor: "user:bob", Action: "read", Resource: "note:1", Outcome: assize.OutcomeSuccess, Payload: `{"n":1}`},
	}}
	first, err := client.AppendAudit(t.Context(), what)
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.AppendAudit(t.Context(), what)
	if err != nil || !again.Replayed || again.Receipts[0].Seq != first.Receipts[0].Seq || !bytes.Equal(again.Receipts[1].EntryHash, first.Receipts[1].EntryHash) {
		t.Errorf("%+v, %v", again, err)
	}
	what.Events[0].Resource = "note:2"
	known := (*assize.Error)(nil)
	if _, err := client.AppendAudit(t.Context(), what); !errors.As(err, &known) || known.Failure != assize.FailureAlreadyExists || known.Reason != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("other content under the same key: %v", err)
	}
	proveBundle(t, first)
}

// proveBundle has the server's own command write a bundle that holds the receipts, and verifies it here.
func proveBundle(t *testing.T, appended assize.Appended) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "notes.tar")
	last := appended.Receipts[len(appended.Receipts)-1]
	keys := trustedKeys(t)
	var report ledger.Report
	until(t, "a signed checkpoint over what was appended", func() bool {
		_ = os.Remove(file)
		if err := server.Run(t.Context(), "audit", "export", "--tenant", "notes", "--format", "bundle", "--output", file); err != nil {
			t.Log(err)
			return false
		}
		var err error
		if report, err = ledger.VerifyBundle(file, keys, nil); err != nil {
			t.Fatal(err)
		}
		return report.To > last.Seq
	})
	if report.Name.Tenant != "notes" || report.To == last.Seq+1 && hex.EncodeToString(last.EntryHash) != report.Head.String() {
		t.Errorf("%+v, and the receipt %x", report, last.EntryHash)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(whole); i += 211 {
		changed := bytes.Clone(whole)
		changed[i] ^= 0x20
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.VerifyBundle(file, keys, nil); err == nil {
			t.Errorf("took a bundle whose byte %d was changed", i)
		}
	}
}

func trustedKeys(t *testing.T) []ledger.Key {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(server.Home, "signing-keys", "verifiers"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ledger.ParseKeys(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

var goBlock = regexp.MustCompile("(?s)```go\n(package main.*?)```")

func TestTheStartOfTheReadmeRuns(t *testing.T) {
	needServer(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := goBlock.FindSubmatch(readme)
	if found == nil {
		t.Fatal("the README has no program")
	}
	program := strings.ReplaceAll(string(found[1]), "127.0.0.1:7443", server.Target)
	directory, err := os.MkdirTemp(".", "readme") // within the module
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	if err := os.WriteFile(filepath.Join(directory, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "run", "./"+directory)
	command.Env = append(os.Environ(), "ASSIZE_KEY="+notesKey)
	if output, err := command.CombinedOutput(); err != nil || string(output) != "true ALLOWED \n" {
		t.Errorf("printed %q, %v", output, err)
	}
}

func TestTheNotesServiceProtectsItselfAndRecords(t *testing.T) {
	address := startNotes(t)
	ask := func(method, path, token string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	for _, step := range []struct {
		method, path, token string
		status              int
		body                string
	}{
		{"GET", "/healthz", "", 200, ""},
		{"PUT", "/notes/e2e", "none", 401, "Unauthorized\n"},
		{"PUT", "/notes/e2e", "bobs", 403, "Forbidden\n"},
		{"PUT", "/notes/e2e", "alices", 204, ""},
		{"GET", "/notes/e2e", "bobs", 200, "hello"},
		{"DELETE", "/notes/e2e", "alices", 204, ""},
		{"GET", "/notes/e2e", "bobs", 404, "404 page not found\n"},
		{"GET", "/admin", "alices", 403, "Forbidden\n"},
	} {
		if status, body := ask(step.method, step.path, step.token); status != step.status || body != step.body {
			t.Errorf("%s %s as %q: %d %q", step.method, step.path, step.token, status, body)
		}
	}
	requireRecorded(t, "note:e2e", []string{"note.written", "note.deleted"})
}

// requireRecorded asks the ledger what was done to a resource.
func requireRecorded(t *testing.T, resource string, types []string) {
	t.Helper()
	client, err := server.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found, err := assizev1.NewLedgerServiceClient(client.Conn()).QueryAudit(t.Context(), &assizev1.QueryAuditRequest{
		Tenant: "notes", Resource: resource, Ascending: true,
	})
	if err != nil || len(found.Entries) != len(types) {
		t.Fatalf("%v, %v", found, err)
	}
	for i, entry := range found.Entries {
		if entry.Event.Type != types[i] || entry.Event.Actor != "user:alice" || entry.RecordedBy != "service:notes" || entry.Event.DecisionId == "" {
			t.Errorf("recorded %v", entry)
		}
	}
}

var notesLine = regexp.MustCompile(`notes on http://(\S+)`)

func startNotes(t *testing.T) string {
	t.Helper()
	needServer(t)
	binary := filepath.Join(t.TempDir(), "notes")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../examples/notes").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	command := exec.Command(binary)
	command.Env = append(os.Environ(), "ASSIZE_SERVER="+server.Target, "ASSIZE_KEY="+notesKey,
		"NOTES_ADDRESS=127.0.0.1:0", "NOTES_SESSIONS=alices=user:alice,bobs=user:bob")
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		if err := command.Wait(); err != nil {
			t.Error("the service did not end well:", err)
		}
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if found := notesLine.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return found[1]
		}
	}
	t.Fatal("the service did not start")
	return ""
}
