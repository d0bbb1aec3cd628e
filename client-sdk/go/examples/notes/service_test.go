package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizetest"
	"google.golang.org/grpc/codes"
)

func ask(t *testing.T, handler http.Handler, method, path, token string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("hello"))
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	return response
}

func newTestService(t *testing.T) (*assizetest.Fake, http.Handler) {
	t.Helper()
	fake := assizetest.Start(t)
	handler, err := newService(fake.Client(), sessions("t1=user:alice,t2=user:bob,=user:nobody,broken"), "")
	if err != nil {
		t.Fatal(err)
	}
	return fake, handler
}

func TestNothingHappensThatIsNotAllowed(t *testing.T) {
	fake, notes := newTestService(t)
	fake.Allow("user:bob", assizetest.Any, "read")
	for _, token := range []string{"", "unknown", "broken"} {
		if got := ask(t, notes, "PUT", "/notes/1", token); got.Code != http.StatusUnauthorized {
			t.Errorf("token %q: %d", token, got.Code)
		}
	}
	if got := ask(t, notes, "PUT", "/notes/1", "t2"); got.Code != http.StatusForbidden || len(fake.Appended()) != 0 {
		t.Errorf("got %d, recorded %v", got.Code, fake.Appended())
	}
	if got := ask(t, notes, "GET", "/notes/1", "t2"); got.Code != http.StatusNotFound {
		t.Errorf("got %d", got.Code)
	}
}

func TestWhatCannotBeRecordedIsNotDone(t *testing.T) {
	fake, _ := newTestService(t)
	fake.Allow(assizetest.Any, assizetest.Any, assizetest.Any)
	broken := assizetest.Start(t)
	broken.Fail(codes.FailedPrecondition)
	s := &service{client: broken.Client(), sessions: sessions("t1=user:alice"), notes: map[string]string{}}
	request := httptest.NewRequestWithContext(t.Context(), "PUT", "/notes/1", strings.NewReader("hello"))
	request.SetPathValue("id", "1")
	response := httptest.NewRecorder()
	s.write(response, request)
	if response.Code != http.StatusServiceUnavailable || len(s.notes) != 0 {
		t.Errorf("got %d, notes %v", response.Code, s.notes)
	}
}

func TestAGatewaySaysWhoCalls(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:ann", assizetest.Any, "write")
	notes, err := newService(fake.Client(), sessions("t1=user:ann"), "X-Assize-Subject")
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, notes, "PUT", "/notes/1", "t1"); got.Code != http.StatusUnauthorized {
		t.Errorf("without the header: %d", got.Code)
	}
	for subject, wanted := range map[string]int{"user:bob": http.StatusForbidden, "user:a%6En": http.StatusNoContent} {
		request := httptest.NewRequestWithContext(t.Context(), "PUT", "/notes/1", strings.NewReader("hello"))
		request.Header.Set("X-Assize-Subject", subject)
		response := httptest.NewRecorder()
		notes.ServeHTTP(response, request)
		if response.Code != wanted {
			t.Errorf("%s: %d", subject, response.Code)
		}
	}
}

func TestWhatIsDoneIsRecordedWithItsDecision(t *testing.T) {
	fake, notes := newTestService(t)
	fake.Allow("user:alice", assizetest.Any, assizetest.Any)
	if got := ask(t, notes, "PUT", "/notes/a%2Fb", "t1"); got.Code != http.StatusNoContent {
		t.Fatalf("got %d", got.Code)
	}
	if got := ask(t, notes, "GET", "/notes/a%2Fb", "t1"); got.Body.String() != "hello" {
		t.Errorf("got %q", got.Body)
	}
	if got := ask(t, notes, "DELETE", "/notes/a%2Fb", "t1"); got.Code != http.StatusNoContent {
		t.Errorf("got %d", got.Code)
	}
	recorded := fake.Appended()
	if len(recorded) != 2 {
		t.Fatalf("recorded %v", recorded)
	}
	written := recorded[0]
	if written.Type != "note.written" || written.Actor != "user:alice" || written.Action != "write" || written.Resource != "note:a%2Fb" ||
		written.DecisionID != "decision-1" || written.Outcome != assize.OutcomeSuccess || recorded[1].Action != "delete" {
		t.Errorf("recorded %+v", recorded)
	}
}
