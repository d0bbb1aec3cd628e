package assize_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizetest"
)

// Examples ask the fake, so that they run without a server; for a real one the client comes from assize.New.
func exampleClient(opts ...assize.Option) (*assizetest.Fake, *assize.Client, func()) {
	t := &exampleTest{}
	fake := assizetest.Start(t)
	return fake, fake.Client(opts...), t.end
}

// exampleTest is as much of a test as the fake needs.
type exampleTest struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTest) Helper()                {}
func (t *exampleTest) Fatal(args ...any)      { panic(fmt.Sprint(args...)) }
func (t *exampleTest) Cleanup(cleanup func()) { t.cleanups = append(t.cleanups, cleanup) }

func (t *exampleTest) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

func ExampleClient_Check() {
	fake, client, end := exampleClient()
	defer end()
	fake.Allow("user:alice", "replay:922", "execute")

	for _, subject := range []string{"user:alice", "user:bob"} {
		result, err := client.Check(context.Background(), assize.Question{
			Subject: subject, Resource: "replay:922", Action: "execute",
		})
		if err != nil {
			fmt.Println("the question is malformed:", err)
			return
		}
		fmt.Println(subject, result.Allowed, result.Reason)
	}
	// Output:
	// user:alice true ALLOWED
	// user:bob false NO_GRANT
}

func ExampleClient_CheckBatch() {
	fake, client, end := exampleClient()
	defer end()
	fake.Allow("user:alice", assizetest.Any, "read")

	results, err := client.CheckBatch(context.Background(), []assize.Question{
		{Subject: "user:alice", Resource: "doc:1", Action: "read"},
		{Subject: "user:alice", Resource: "doc:1", Action: "write"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range results {
		fmt.Printf("%t %q\n", result.Allowed, result.Why())
	}
	// Output:
	// true ""
	// false "denied: NO_GRANT"
}

func ExampleClient_Enforce() {
	fake, client, end := exampleClient(assize.WithObligation("notify",
		func(_ context.Context, question assize.Question, _ assize.Result, obligation assize.Obligation) error {
			fmt.Println("told", obligation.Properties["who"], "of", question.Resource)
			return nil
		}))
	defer end()
	fake.Allow("user:alice", "vault:1", "open", assize.Obligation{
		ID: "tell", Type: "notify", Properties: map[string]string{"who": "the owner"},
	})

	_, err := client.Enforce(context.Background(), assize.Question{Subject: "user:alice", Resource: "vault:1", Action: "open"})
	fmt.Println(err)

	_, err = client.Enforce(context.Background(), assize.Question{Subject: "user:bob", Resource: "vault:1", Action: "open"})
	denied := (*assize.DeniedError)(nil)
	fmt.Println(errors.As(err, &denied), denied)
	// Output:
	// told the owner of vault:1
	// <nil>
	// true assize: denied: NO_GRANT
}

func ExampleClient_AppendAudit() {
	_, client, end := exampleClient()
	defer end()

	appended, err := client.AppendAudit(context.Background(), assize.Append{Events: []assize.Event{{
		Type: "replay.executed", Actor: "user:alice", Action: "execute", Resource: "replay:922", Outcome: assize.OutcomeSuccess,
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("recorded as entry", appended.Receipts[0].Seq)
	// Output:
	// recorded as entry 0
}
