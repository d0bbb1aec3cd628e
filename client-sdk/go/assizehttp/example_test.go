package assizehttp_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizehttp"
)

func Example() {
	client, err := assize.New("127.0.0.1:7443", assize.WithKey(os.Getenv("ASSIZE_KEY")), assize.WithTenant("acme"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	verified := func(r *http.Request) (string, error) { // the client certificate, here
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return "", errors.New("no certificate")
		}
		return "service:" + r.TLS.VerifiedChains[0][0].Subject.CommonName, nil
	}
	door, err := assizehttp.New(client, verified, assizehttp.Routes{
		"GET /docs/{id}": {Action: "read", Resource: "doc:{id}"},
		"GET /healthz":   assizehttp.Open,
	})
	if err != nil {
		log.Fatal(err)
	}
	docs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed, _ := assizehttp.Result(r.Context())
		fmt.Fprintln(w, "by decision", allowed.DecisionID)
	})
	log.Fatal(http.ListenAndServeTLS(":8443", "tls.crt", "tls.key", door.Protect(docs)))
}
