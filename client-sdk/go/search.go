package assize

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Names in a page of a search.
const searchPage = 500

// Search says what is sought.
type Search struct {
	// Type of the subjects, or resources, that are sought. Of subjects all where it is empty; a search for resources has
	// one, which is that of the last segment.
	Type string

	// Limit of names in all, behind which the search ends; 0 for none.
	Limit int

	// Cursor of an earlier search for the same, to go on where that was truncated; empty to begin.
	Cursor string
}

// Found is a search under way: its names as they arrive, and at its end whether they are all. Found is what a Check would
// allow at that moment: before somebody acts, Check.
//
//	found := client.SearchSubjects(ctx, assize.Question{Action: "read", Resource: "doc:1"}, assize.Search{Type: "user"})
//	for name, err := range found.Names() {
//		if err != nil {
//			return err
//		}
//		…
//	}
//	if found.Truncated() {
//		…
//	}
type Found struct {
	names     iter.Seq2[string, error]
	wildcards []string
	last      *searchedPage // nil before the end
}

// Names are the names in the order of their bytes; the search begins with the first. An error is the last that comes, and an *Error: what came before it
// is a part, and nobody knows which. Who stops before the end ends the search at the server, too.
func (f *Found) Names() iter.Seq2[string, error] { return f.names }

// Truncated tells whether there may be more than was found, because the search reached its limit or its time; and before
// the end, since nobody knows.
func (f *Found) Truncated() bool { return f.last == nil || f.last.truncated }

// Cursor is where to go on where the search is truncated; else empty.
func (f *Found) Cursor() string {
	if f.last == nil {
		return ""
	}
	return f.last.cursor
}

// Wildcards are, of a search for subjects, the `*` and `type:*` of bindings by which subjects that no document names may be
// allowed, too.
func (f *Found) Wildcards() []string { return f.wildcards }

// SearchSubjects seeks who may do the question's Action on its Resource. Its Subject is empty.
func (c *Client) SearchSubjects(ctx context.Context, question Question, search Search) *Found {
	return c.found(ctx, question, func(ctx context.Context, check *assizev1.CheckRequest, trailer grpc.CallOption) (pages, error) {
		stream, err := c.decisions().SearchSubjects(ctx, &assizev1.SearchSubjectsRequest{
			Check: check, SubjectType: search.Type, PageSize: searchPage, Limit: search.limit(), Cursor: search.Cursor,
		}, trailer)
		return pagesOf(stream, func(page *assizev1.SearchSubjectsResponse) *searchedPage {
			return &searchedPage{page.Subjects, page.Wildcards, page.Cursor, page.Truncated}
		}), err
	})
}

// SearchResources seeks on what the question's Subject may do its Action. Its Resource is empty.
func (c *Client) SearchResources(ctx context.Context, question Question, search Search) *Found {
	return c.found(ctx, question, func(ctx context.Context, check *assizev1.CheckRequest, trailer grpc.CallOption) (pages, error) {
		stream, err := c.decisions().SearchResources(ctx, &assizev1.SearchResourcesRequest{
			Check: check, ResourceType: search.Type, PageSize: searchPage, Limit: search.limit(), Cursor: search.Cursor,
		}, trailer)
		return pagesOf(stream, func(page *assizev1.SearchResourcesResponse) *searchedPage {
			return &searchedPage{page.Resources, nil, page.Cursor, page.Truncated}
		}), err
	})
}

// SearchActions seeks what the question's Subject may do on its Resource. Its Action is empty, and so is the search's Type.
func (c *Client) SearchActions(ctx context.Context, question Question, search Search) *Found {
	return c.found(ctx, question, func(ctx context.Context, check *assizev1.CheckRequest, trailer grpc.CallOption) (pages, error) {
		stream, err := c.decisions().SearchActions(ctx, &assizev1.SearchActionsRequest{
			Check: check, PageSize: searchPage, Limit: search.limit(), Cursor: search.Cursor,
		}, trailer)
		return pagesOf(stream, func(page *assizev1.SearchActionsResponse) *searchedPage {
			return &searchedPage{page.Actions, nil, page.Cursor, page.Truncated}
		}), err
	})
}

func (c *Client) decisions() assizev1.DecisionServiceClient {
	return assizev1.NewDecisionServiceClient(c.conn)
}

// limit is beyond what the server takes where it is beyond its type.
func (s Search) limit() int32 {
	if s.Limit != int(int32(s.Limit)) {
		return -1
	}
	return int32(s.Limit)
}

// searchedPage is what one message of a search says.
type searchedPage struct {
	names, wildcards []string
	cursor           string
	truncated        bool
}

// isLast tells whether nothing follows, or not in this stream.
func (p *searchedPage) isLast() bool { return p.truncated || p.cursor == "" }

// pages gives one page after the other; io.EOF behind the last.
type pages func() (*searchedPage, error)

// pagesOf reads a stream, whose messages are pages.
func pagesOf[M any](stream grpc.ServerStreamingClient[M], read func(*M) *searchedPage) pages {
	return func() (*searchedPage, error) {
		message, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		return read(message), nil
	}
}

type openPages func(ctx context.Context, check *assizev1.CheckRequest, trailer grpc.CallOption) (pages, error)

func (c *Client) found(ctx context.Context, question Question, open openPages) *Found {
	found := &Found{}
	found.names = func(yield func(string, error) bool) {
		found.last, found.wildcards = nil, nil
		ctx, cancel := within(ctx, c.options.callDeadline)
		defer cancel()
		ctx, stop := context.WithCancel(ctx) // of who stops before the end
		defer stop()
		check, err := c.request(question)
		if err != nil {
			yield("", invalid(err))
			return
		}
		ctx, end := c.options.tracing.Start(ctx, "assize.search", check.Tenant)
		if failure := c.walk(ctx, check, open, found, yield); failure != nil {
			end(string(failure.Failure), failure)
			yield("", failure)
			return
		}
		end("FOUND", nil)
	}
	return found
}

// walk hands on names until the end, or until nobody wants more. It begins anew only while nobody has answered.
func (c *Client) walk(
	ctx context.Context, check *assizev1.CheckRequest, open openPages, found *Found, yield func(string, error) bool,
) *Error {
	var latest *searchedPage
	next, trailer := c.begin(ctx, check, open)
	for try := 1; ; {
		page, err := next()
		switch {
		case errors.Is(err, io.EOF):
			if latest == nil || !latest.isLast() {
				return malformed("the server ended the search before its last page")
			}
			found.last = latest
			return nil
		case err != nil:
			failure := errorOf(ctx, err, *trailer)
			if latest != nil || !c.waits(ctx, try, failure) {
				return failure
			}
			try++
			next, trailer = c.begin(ctx, check, open)
			continue
		case latest != nil && latest.isLast():
			return malformed("the server sent a page behind the last one")
		}
		latest = page
		found.add(page.wildcards)
		for _, name := range page.names {
			if !yield(name, nil) {
				return nil
			}
		}
	}
}

func (c *Client) begin(ctx context.Context, check *assizev1.CheckRequest, open openPages) (pages, *metadata.MD) {
	trailer := &metadata.MD{}
	next, err := open(ctx, check, grpc.Trailer(trailer))
	if err != nil {
		return func() (*searchedPage, error) { return nil, err }, trailer
	}
	return next, trailer
}

// waits tells whether a search may be begun anew, when it is time to.
func (c *Client) waits(ctx context.Context, try int, failure *Error) bool {
	wait := c.options.retries.wait(try, failure)
	if ctx.Err() != nil || wait < 0 || asking.isLast(c.options.retries, try) || !asking.again(failure) || timeLeft(ctx) <= wait {
		return false
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *Found) add(wildcards []string) {
	for _, wildcard := range wildcards {
		if !slices.Contains(f.wildcards, wildcard) {
			f.wildcards = append(f.wildcards, wildcard)
		}
	}
}
