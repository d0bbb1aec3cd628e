// Command notes is a small service that protects itself with Assize: it keeps notes in memory, asks before it serves or
// changes one, and changes nothing that is not in the ledger. policy.yaml is the policy that it needs.
//
//	ASSIZE_KEY=asz_… NOTES_SESSIONS=secret1=user:alice,secret2=user:bob go run ./examples/notes
//	curl -H 'Authorization: Bearer secret1' -X PUT -d 'hello' http://127.0.0.1:8080/notes/1
//
// Behind a gateway that has verified who calls, SUBJECT_HEADER names the header in which it says so. Only where nobody but
// the gateway reaches this service: everybody can send a header.
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	assize "assize.dev/client-sdk/go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	client, err := assize.New(variable("ASSIZE_SERVER", "127.0.0.1:7443"),
		assize.WithTenant("notes"), assize.WithBatching(), assize.WithCache(10_000))
	if err != nil {
		return err
	}
	defer client.Close()
	handler, err := newService(client, sessions(os.Getenv("NOTES_SESSIONS")), os.Getenv("SUBJECT_HEADER"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", variable("NOTES_ADDRESS", "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	log.Printf("notes on http://%s", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
