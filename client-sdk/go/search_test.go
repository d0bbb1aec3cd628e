package assize_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizetest"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var who = assize.Question{Action: "read", Resource: "doc:1"}

func page(cursor string, truncated bool, names ...string) *assizev1.SearchSubjectsResponse {
	return &assizev1.SearchSubjectsResponse{Subjects: names, Cursor: cursor, Truncated: truncated}
}

// paged is a server whose searches are these pages, and end so.
func paged(end codes.Code, pages ...*assizev1.SearchSubjectsResponse) *scripted {
	return &scripted{search: func(_ *assizev1.SearchSubjectsRequest, stream searchStream) error {
		for _, page := range pages {
			if err := stream.Send(page); err != nil {
				return err
			}
		}
		return status.Error(end, "as scripted")
	}}
}

// read reads to the end.
func read(found *assize.Found) (names []string, failure assize.Failure) {
	for name, err := range found.Names() {
		if err != nil {
			known := (*assize.Error)(nil)
			errors.As(err, &known)
			return names, known.Failure
		}
		names = append(names, name)
	}
	return names, ""
}

func TestAPartIsNeverTakenForAll(t *testing.T) {
	for name, test := range map[string]struct {
		server *scripted
		names  []string
		want   assize.Failure
	}{
		"no page":                       {paged(codes.OK), nil, assize.FailureMalformedAnswer},
		"no last page":                  {paged(codes.OK, page("c", false, "user:a")), []string{"user:a"}, assize.FailureMalformedAnswer},
		"a page behind the last":        {paged(codes.OK, page("", false, "user:a"), page("", false)), []string{"user:a"}, assize.FailureMalformedAnswer},
		"a page behind the limit":       {paged(codes.OK, page("c", true, "user:a"), page("", false)), []string{"user:a"}, assize.FailureMalformedAnswer},
		"broken behind a page":          {paged(codes.Unavailable, page("c", false, "user:a")), []string{"user:a"}, assize.FailureUnavailable},
		"an error behind the last page": {paged(codes.Internal, page("", false, "user:a")), []string{"user:a"}, assize.FailureInternal},
	} {
		t.Run(name, func(t *testing.T) {
			found := test.server.serve(t).SearchSubjects(t.Context(), who, assize.Search{})
			if names, failure := read(found); failure != test.want || !slices.Equal(names, test.names) {
				t.Errorf("found %v, %s", names, failure)
			}
			if !found.Truncated() {
				t.Error("what failed is said to be all")
			}
			if searches := test.server.searches.Load(); searches != 1 {
				t.Errorf("searched %d times", searches)
			}
		})
	}
}

func TestASearchIsBegunAnewOnlyWhereNobodyHasAnswered(t *testing.T) {
	server := paged(codes.OK, page("", false, "user:a"))
	whole := server.search
	server.search = func(request *assizev1.SearchSubjectsRequest, stream searchStream) error {
		if server.searches.Load() < 3 {
			return status.Error(codes.Unavailable, "not yet")
		}
		return whole(request, stream)
	}
	if names, failure := read(server.serve(t).SearchSubjects(t.Context(), who, assize.Search{})); failure != "" || len(names) != 1 {
		t.Errorf("found %v, %s", names, failure)
	}
	never := paged(codes.Unavailable)
	if _, failure := read(never.serve(t).SearchSubjects(t.Context(), who, assize.Search{})); failure != assize.FailureUnavailable {
		t.Errorf("failed as %q", failure)
	}
	if searches := never.searches.Load(); searches != 3 {
		t.Errorf("searched %d times", searches)
	}
}

func TestASearchSaysAtItsEndWhetherThatIsAll(t *testing.T) {
	first, last := page("c", false, "user:a", "user:b"), page("", false, "user:c")
	first.Wildcards, last.Wildcards = []string{"user:*"}, []string{"*", "user:*"}
	server := paged(codes.OK, first, page("c", false), last)
	var asked *assizev1.SearchSubjectsRequest
	pages := server.search
	server.search = func(request *assizev1.SearchSubjectsRequest, stream searchStream) error {
		asked = request
		return pages(request, stream)
	}
	found := server.serve(t).SearchSubjects(t.Context(), who, assize.Search{Type: "user", Limit: 9, Cursor: "x"})
	if !found.Truncated() {
		t.Error("what is not read yet is said to be all")
	}
	names, failure := read(found)
	if failure != "" || !slices.Equal(names, []string{"user:a", "user:b", "user:c"}) {
		t.Errorf("found %v, %s", names, failure)
	}
	if found.Truncated() || found.Cursor() != "" || !slices.Equal(found.Wildcards(), []string{"user:*", "*"}) {
		t.Errorf("at the end: %v, %q, %v", found.Truncated(), found.Cursor(), found.Wildcards())
	}
	if asked.SubjectType != "user" || asked.Limit != 9 || asked.Cursor != "x" || asked.Check.Tenant != "acme" {
		t.Errorf("asked %v", asked)
	}
	part := paged(codes.OK, page("c", true, "user:a")).serve(t).SearchSubjects(t.Context(), who, assize.Search{})
	if _, failure := read(part); failure != "" || !part.Truncated() || part.Cursor() != "c" {
		t.Errorf("%s, %v, %q", failure, part.Truncated(), part.Cursor())
	}
}

func TestWhoStopsEarlyStopsTheServer(t *testing.T) {
	gone := make(chan struct{})
	server := &scripted{search: func(_ *assizev1.SearchSubjectsRequest, stream searchStream) error {
		defer close(gone)
		if err := stream.Send(page("c", false, "user:a", "user:b")); err != nil {
			return err
		}
		<-stream.Context().Done()
		return stream.Context().Err()
	}}
	found := server.serve(t).SearchSubjects(t.Context(), who, assize.Search{})
	for range found.Names() {
		break
	}
	<-gone
	if !found.Truncated() {
		t.Error("what was not read is said to be all")
	}
}

func TestASearchEndsWithItsDeadline(t *testing.T) {
	server := &scripted{search: func(_ *assizev1.SearchSubjectsRequest, stream searchStream) error {
		<-stream.Context().Done()
		return status.FromContextError(stream.Context().Err()).Err() // whichever of the two is the first to see it
	}}
	client := server.serve(t, assize.WithCallDeadline(50*time.Millisecond))
	if _, failure := read(client.SearchSubjects(t.Context(), who, assize.Search{})); failure != assize.FailureDeadlineExceeded {
		t.Errorf("failed as %q", failure)
	}
}

func TestAMalformedSearchIsTheCallersMistake(t *testing.T) {
	server := paged(codes.OK)
	search := server.serve(t).SearchSubjects(t.Context(), assize.Question{Action: "\xff"}, assize.Search{})
	if _, failure := read(search); failure != assize.FailureInvalidArgument || server.searches.Load() != 0 {
		t.Errorf("failed as %q", failure)
	}
}

func TestTheFakeFindsWhomItsRulesName(t *testing.T) {
	fake := assizetest.Start(t)
	for _, subject := range []string{"user:carol", "user:ann", "agent:feed", "user:bob"} {
		fake.Allow(subject, "doc:1", "read")
	}
	fake.Deny("user:bob", assizetest.Any, assizetest.Any)
	client, ctx := fake.Client(), context.Background()
	expect := func(found *assize.Found, want ...string) *assize.Found {
		t.Helper()
		if names, failure := read(found); failure != "" || !slices.Equal(names, want) {
			t.Errorf("found %v, %s", names, failure)
		}
		return found
	}
	expect(client.SearchSubjects(ctx, who, assize.Search{Type: "user"}), "user:ann", "user:carol")
	expect(client.SearchResources(ctx, assize.Question{Subject: "user:ann", Action: "read"}, assize.Search{Type: "doc"}), "doc:1")
	expect(client.SearchActions(ctx, assize.Question{Subject: "user:ann", Resource: "doc:1"}, assize.Search{}), "read")
	part := expect(client.SearchSubjects(ctx, who, assize.Search{Type: "user", Limit: 1}), "user:ann")
	expect(client.SearchSubjects(ctx, who, assize.Search{Type: "user", Limit: 1, Cursor: part.Cursor()}), "user:carol")
	fake.Fail(codes.PermissionDenied)
	if _, failure := read(client.SearchSubjects(ctx, who, assize.Search{})); failure != assize.FailurePermissionDenied {
		t.Errorf("failed as %q", failure)
	}
}
