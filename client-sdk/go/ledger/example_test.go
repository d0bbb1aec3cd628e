package ledger_test

import (
	"errors"
	"fmt"

	"assize.dev/client-sdk/go/ledger"
)

func ExampleVerifyBundle() {
	// From elsewhere than the bundle: whoever made it could have put any keys into it.
	keys, err := ledger.ParseKeys("assize.example.com/00112233445566778899aabbccddeeff+968dc7ce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := ledger.VerifyBundle("testdata/golden-bundle.tar", keys, nil)
	wrong := (*ledger.NotProvenError)(nil)
	switch {
	case errors.As(err, &wrong):
		fmt.Println("not proven, from entry", wrong.Seq)
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(report.Name.Tenant, "has", report.Checkpoint.Size, "entries")
	}
	// Output:
	// acme has 3 entries
}
