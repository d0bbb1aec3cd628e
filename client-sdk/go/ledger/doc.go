// Package ledger verifies what Assize has recorded, without a server, a database or a network, and with nothing but the
// standard library.
//
// It is written from the page docs/ledger-format.md and shares no code with the server that writes ledgers.
//
//	keys, err := ledger.ParseKeys(trusted) // from elsewhere than the bundle
//	if err != nil {
//		return err
//	}
//	report, err := ledger.VerifyBundle("acme.tar", keys, nil)
//
// The error says what was not proven, and where.
package ledger
