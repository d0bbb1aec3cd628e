package assizehttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizehttp"
	"assize.dev/client-sdk/go/assizetest"
	"google.golang.org/grpc/codes"
)

var routes = assizehttp.Routes{
	"GET /docs/{id}":                       {Action: "read", Resource: "doc:{id}", EncodedSlashes: true},
	"POST /docs/{id}":                      {Action: "write", Resource: "doc:{id}", Env: "production", Refine: refine},
	"GET /folders/{folder}/docs/{rest...}": {Action: "read", Resource: "folder:{folder}/doc:{rest}", EncodedSlashes: true},
	"GET /healthz":                         assizehttp.Open,
}

func refine(r *http.Request, question *assize.Question) error {
	if r.Header.Get("X-Amount") == "" {
		return errors.New("no amount")
	}
	question.Context = map[string]any{"amount": r.Header.Get("X-Amount")}
	return nil
}

// who reads the subject from a header, as no service outside of a test may.
func who(r *http.Request) (string, error) { return r.Header.Get("X-Who"), nil }

func protected(t *testing.T, fake *assizetest.Fake, opts ...assize.Option) *httptest.Server {
	t.Helper()
	door, err := assizehttp.New(fake.Client(opts...), who, routes)
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result, _ := assizehttp.Result(r.Context())
		_, _ = io.WriteString(w, "served "+result.DecisionID)
	})
	server := httptest.NewServer(door.Protect(handler))
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, server *httptest.Server, method, path string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
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

func TestRefusesWhatIsNotAllowed(t *testing.T) {
	for name, test := range map[string]struct {
		method, path string
		headers      []string
		set          func(fake *assizetest.Fake)
		status       int
	}{
		"no subject":            {"GET", "/docs/1", nil, nil, 401},
		"a deny":                {"GET", "/docs/1", []string{"X-Who", "user:bob"}, nil, 403},
		"a route without rule":  {"GET", "/other", []string{"X-Who", "user:alice"}, nil, 403},
		"the root":              {"GET", "/", []string{"X-Who", "user:alice"}, nil, 403},
		"another method":        {"DELETE", "/docs/1", []string{"X-Who", "user:alice"}, nil, 403},
		"deeper":                {"GET", "/docs/1/2", []string{"X-Who", "user:alice"}, nil, 403},
		"an encoded slash":      {"POST", "/docs/1%2f2", []string{"X-Who", "user:alice", "X-Amount", "1"}, nil, 403},
		"an encoded parent":     {"POST", "/docs/%2e%2e", []string{"X-Who", "user:alice", "X-Amount", "1"}, nil, 403},
		"a parent as an id":     {"GET", "/docs/%2e%2E", []string{"X-Who", "user:alice"}, nil, 403},
		"a dot as an id":        {"GET", "/docs/.%2e", []string{"X-Who", "user:alice"}, nil, 403},
		"another path":          {"GET", "//docs/1", []string{"X-Who", "user:alice"}, nil, 403},
		"a refinement fails":    {"POST", "/docs/1", []string{"X-Who", "user:alice"}, nil, 400},
		"no answer":             {"GET", "/docs/1", []string{"X-Who", "user:alice"}, func(f *assizetest.Fake) { f.Fail(codes.Internal) }, 503},
		"a malformed question":  {"GET", "/docs/1", []string{"X-Who", "user:alice"}, func(f *assizetest.Fake) { f.Fail(codes.InvalidArgument) }, 400},
		"the door has no right": {"GET", "/docs/1", []string{"X-Who", "user:alice"}, func(f *assizetest.Fake) { f.Fail(codes.PermissionDenied) }, 503},
		"an unknown obligation": {"GET", "/docs/1", []string{"X-Who", "user:alice"}, func(f *assizetest.Fake) {
			f.Allow(assizetest.Any, assizetest.Any, assizetest.Any, assize.Obligation{Type: "notify"})
		}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			fake := assizetest.Start(t)
			fake.Allow("user:alice", assizetest.Any, assizetest.Any)
			if test.set != nil {
				test.set(fake)
			}
			if status, body := get(t, protected(t, fake), test.method, test.path, test.headers...); status != test.status {
				t.Errorf("got %d %q", status, body)
			}
		})
	}
}

func TestServesWhatIsAllowedAndSaysByWhichDecision(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", "doc:1", "read")
	server := protected(t, fake)
	if status, body := get(t, server, "GET", "/docs/1", "X-Who", "user:alice"); status != 200 || body != "served decision-1" {
		t.Errorf("got %d %q", status, body)
	}
	if status, body := get(t, server, "GET", "/healthz"); status != 200 || body != "served " || len(fake.Checked()) != 1 {
		t.Errorf("got %d %q", status, body)
	}
}

func TestAsksForWhatTheRequestNames(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", assizetest.Any, assizetest.Any)
	server := protected(t, fake)
	for path, resource := range map[string]string{
		"/docs/a%2Fb":          "doc:a%2Fb", // one id, whatever is in it
		"/docs/a%252Fb":        "doc:a%252Fb",
		"/docs/..%2Fadmin":     "doc:..%2Fadmin",
		"/folders/f/docs/a/b":  "folder:f/doc:a%2Fb",
		"/folders/f%2Fg/docs/": "folder:f%2Fg/doc:",
	} {
		get(t, server, "GET", path, "X-Who", "user:alice")
		if checked := fake.Checked(); checked[len(checked)-1].Resource != resource {
			t.Errorf("%s: asked for %q", path, checked[len(checked)-1].Resource)
		}
	}
	get(t, server, "POST", "/docs/1", "X-Who", "user:alice", "X-Amount", "7")
	last := fake.Checked()[len(fake.Checked())-1]
	if last.Action != "write" || last.Env != "production" || last.Context["amount"] != "7" || last.Tenant != assizetest.Tenant {
		t.Errorf("asked %+v", last)
	}
}

func TestAPathThatIsNotCleanIsNotServed(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow(assizetest.Any, "doc:1", assizetest.Any)
	server := protected(t, fake)
	for _, path := range []string{"/docs/1/../2", "//docs/2", "/healthz/../docs/2", "/./docs/2"} {
		if status, body := get(t, server, "GET", path, "X-Who", "user:alice"); status == 200 {
			t.Errorf("%s: %q", path, body)
		}
	}
}

func TestARefusalNamesTheDecision(t *testing.T) {
	fake := assizetest.Start(t)
	for user, decision := range map[string]string{"": "", "user:bob": "decision-1"} {
		answer := httptest.NewRecorder()
		door, err := assizehttp.New(fake.Client(), who, routes)
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), "GET", "/docs/1", nil)
		request.Header.Set("X-Who", user)
		door.Protect(http.NotFoundHandler()).ServeHTTP(answer, request)
		if got := answer.Header().Get("Assize-Decision-Id"); got != decision {
			t.Errorf("%q: %q", user, got)
		}
	}
}

func TestNoSpellingOfAPathPassesByAWiderRoute(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", assizetest.Any, assizetest.Any)
	door, err := assizehttp.New(fake.Client(), who, assizehttp.Routes{
		"GET /secret/{path...}": {Action: "read", Resource: "file:{path}"},
		"GET /docs/{id}":        {Action: "read", Resource: "doc:{id}"},
		"GET /{path...}":        {Action: "browse", Resource: "page:{path}", EncodedSlashes: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := door.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for path, status := range map[string]int{
		"//secret/x": 403, "/./secret/x": 403, "/p/../secret/x": 403, "/p/%2e%2E/secret/x": 403, "/p/.%2e/secret/x": 403,
		"/docs/1%2F2": 403, "/secret/x%2Fy": 403, "/p/x%2Fy": 200, "/p/x%2ey": 200,
		"/docs/1;a=b": 403, "/docs/1%3Ba": 403, "/p/..%5Csecret%5Cx": 403, "/secret%0A": 403, "/p/%C2%85": 403, "/p/%FF": 403,
	} {
		answer := httptest.NewRecorder()
		if handler.ServeHTTP(answer, wanted(t, path)); answer.Code != status {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	before := len(fake.Checked())
	handler.ServeHTTP(httptest.NewRecorder(), wanted(t, "/%73ecret/x"))
	if checked := fake.Checked()[before:]; len(checked) != 1 || checked[0].Action != "read" {
		t.Errorf("asked %+v", checked)
	}
}

func wanted(t *testing.T, path string) *http.Request {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	request.Header.Set("X-Who", "user:alice")
	return request
}

func TestARouteMayTakeEveryPath(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", "page:a%2Fb", "read")
	for pattern, served := range map[string]int{"/{path...}": 200, "/": 200} {
		resource := map[string]string{"/{path...}": "page:{path}", "/": "page:a%2Fb"}[pattern]
		door, err := assizehttp.New(fake.Client(), who, assizehttp.Routes{pattern: {Action: "read", Resource: resource}})
		if err != nil {
			t.Fatal(err)
		}
		handler := door.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for method, status := range map[string]int{"GET": served, "CONNECT": 403} {
			answer := httptest.NewRecorder()
			request := httptest.NewRequestWithContext(t.Context(), method, "/a/b", nil)
			request.URL.Path = "/a/b"
			request.Header.Set("X-Who", "user:alice")
			if handler.ServeHTTP(answer, request); answer.Code != status {
				t.Errorf("%s %s: %d", method, pattern, answer.Code)
			}
		}
	}
}

func TestARefusalCanBeTheServicesOwn(t *testing.T) {
	fake := assizetest.Start(t)
	var seen []assize.Result
	door, err := assizehttp.New(fake.Client(), who, routes, assizehttp.WithRefusal(
		func(w http.ResponseWriter, _ *http.Request, status int, result assize.Result) {
			seen = append(seen, result)
			w.WriteHeader(status)
		}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door.Protect(http.NotFoundHandler()))
	defer server.Close()
	if status, _ := get(t, server, "GET", "/docs/1", "X-Who", "user:bob"); status != 403 || seen[0].Reason != "NO_GRANT" {
		t.Errorf("got %d, %+v", status, seen)
	}
}

func TestRefusesADoorThatCannotWork(t *testing.T) {
	client := assizetest.Start(t).Client()
	for name, wrong := range map[string]assizehttp.Routes{
		"no pattern":        {"": assizehttp.Open},
		"a broken pattern":  {"GET /a/{": assizehttp.Open},
		"two that conflict": {"/a/{x}": assizehttp.Open, "/a/{y}": assizehttp.Open},
		"nothing is asked":  {"/a": {}},
		"no action":         {"/a": {Resource: "doc:1"}},
		"no resource":       {"/a": {Action: "read"}},
		"no such part":      {"/a/{id}": {Action: "read", Resource: "doc:{other}"}},
	} {
		if _, err := assizehttp.New(client, who, wrong); err == nil {
			t.Error(name)
		}
	}
	if _, err := assizehttp.New(nil, who, routes); err == nil {
		t.Error("no client")
	}
	if _, err := assizehttp.New(client, nil, routes); err == nil {
		t.Error("no subject")
	}
}
