package main

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
	"sync"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizehttp"
)

const longestNote = 64 << 10

// service keeps notes.
type service struct {
	client   *assize.Client
	sessions map[string]string // subjects by token
	header   string            // in which a gateway says who calls; empty without one

	mu    sync.Mutex
	notes map[string]string // guarded by mu
}

// sessions reads token=subject,…; a real service has a login.
func sessions(text string) map[string]string {
	subjects := map[string]string{}
	for _, session := range strings.Split(text, ",") {
		if token, subject, ok := strings.Cut(session, "="); ok && token != "" {
			subjects[token] = subject
		}
	}
	return subjects
}

func newService(client *assize.Client, sessions map[string]string, header string) (http.Handler, error) {
	s := &service{client: client, sessions: sessions, header: header, notes: map[string]string{}}
	door, err := assizehttp.New(client, s.subject, assizehttp.Routes{
		"GET /notes/{id}":    {Action: "read", Resource: "note:{id}", EncodedSlashes: true},
		"PUT /notes/{id}":    {Action: "write", Resource: "note:{id}", EncodedSlashes: true},
		"DELETE /notes/{id}": {Action: "delete", Resource: "note:{id}", EncodedSlashes: true},
		"GET /healthz":       assizehttp.Open,
	}, assizehttp.WithRefusal(refuse))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{id}", s.read)
	mux.HandleFunc("PUT /notes/{id}", s.write)
	mux.HandleFunc("DELETE /notes/{id}", s.delete)
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return door.Protect(mux), nil
}

func (s *service) subject(r *http.Request) (string, error) {
	if s.header != "" {
		return url.PathUnescape(r.Header.Get(s.header))
	}
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subject := s.sessions[token]; isBearer && subject != "" {
		return subject, nil
	}
	return "", errors.New("no session")
}

// refuse tells the caller no more than the status, and the log why.
func refuse(w http.ResponseWriter, r *http.Request, status int, result assize.Result) {
	log.Printf("%s %s: %d %s", r.Method, r.URL.Path, status, result.Why())
	http.Error(w, http.StatusText(status), status)
}

func (s *service) read(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	note, found := s.notes[r.PathValue("id")]
	s.mu.Unlock()
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, note)
}

func (s *service) write(w http.ResponseWriter, r *http.Request) {
	note, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestNote))
	if err != nil {
		http.Error(w, "a note has at most 64 KiB", http.StatusRequestEntityTooLarge)
		return
	}
	s.change(w, r, "note.written", func(id string) { s.notes[id] = string(note) })
}

func (s *service) delete(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, "note.deleted", func(id string) { delete(s.notes, id) })
}

// change records what is about to be done and then does it: what is not in the ledger does not happen.
func (s *service) change(w http.ResponseWriter, r *http.Request, kind string, change func(id string)) {
	id := r.PathValue("id")
	subject, _ := s.subject(r)
	allowed, _ := assizehttp.Result(r.Context())
	_, err := s.client.AppendAudit(r.Context(), assize.Append{Events: []assize.Event{{
		Type:       kind,
		Actor:      subject,
		Action:     map[string]string{http.MethodPut: "write", http.MethodDelete: "delete"}[r.Method],
		Resource:   "note:" + assize.EscapeID(id),
		Outcome:    assize.OutcomeSuccess,
		DecisionID: allowed.DecisionID,
		Writes:     []string{"notes:" + url.PathEscape(id)},
	}}})
	if err != nil {
		log.Printf("%s of note %q is not recorded, and so not done: %v", kind, id, err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	change(id)
	w.WriteHeader(http.StatusNoContent)
}
