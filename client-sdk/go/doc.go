// Package assize asks Assize for decisions and records what was done.
//
// A [Client] fails closed: [Client.Check] answers a [Result] whose Allowed is true only where the server said
// DECISION_ALLOW about the present, with no obligation that the client does not know. Whatever goes wrong is a denied
// result whose Failure says what. Only a question that cannot be asked, because something in it is malformed, is an
// error beside that.
//
//	client, err := assize.New("127.0.0.1:7443", assize.WithKey(os.Getenv("ASSIZE_KEY")), assize.WithTenant("acme"))
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
//	result, err := client.Check(ctx, assize.Question{Subject: "user:alice", Resource: "replay:922", Action: "execute"})
//	if err != nil || !result.Allowed {
//		return errors.New("not allowed")
//	}
//
// Beside it stand the packages assizehttp (middleware for net/http), assizegrpc (interceptors), assizetest (a fake for
// tests), ledger (verifies proofs without a server; needs nothing but the standard library), assizev1 (the generated
// code, for RPCs that have no method here: see [Client.Conn]) and, a module of its own, assizeotel (OpenTelemetry).
package assize
