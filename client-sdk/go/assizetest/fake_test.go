package assizetest_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizetest"
	"google.golang.org/grpc/codes"
)

func TestDeniesWhatNoRuleAllows(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", "doc:1", "read")
	client := fake.Client()
	for _, denied := range []assize.Question{
		{Subject: "user:bob", Resource: "doc:1", Action: "read"},
		{Subject: "user:alice", Resource: "doc:2", Action: "read"},
		{Subject: "user:alice", Resource: "doc:1", Action: "write"},
		{},
	} {
		if result, err := client.Check(t.Context(), denied); err != nil || result.Allowed || result.Reason != "NO_GRANT" {
			t.Errorf("%+v: %+v, %v", denied, result, err)
		}
	}
}

func TestADenyCountsBeforeAnAllow(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Deny("user:alice", assizetest.Any, "write")
	fake.Allow("user:alice", assizetest.Any, assizetest.Any)
	client := fake.Client()
	results, err := client.CheckBatch(t.Context(), []assize.Question{
		{Subject: "user:alice", Resource: "doc:1", Action: "read"}, {Subject: "user:alice", Resource: "doc:1", Action: "write"},
	})
	if err != nil || !results[0].Allowed || results[1].Allowed || results[1].Reason != "EXPLICIT_DENY" {
		t.Errorf("%+v, %v", results, err)
	}
	fake.Forget()
	if result, _ := client.Check(t.Context(), assize.Question{Subject: "user:alice"}); result.Allowed {
		t.Error("allowed by a rule that was taken back")
	}
}

func TestTheClientFailsClosedAsItDoes(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow(assizetest.Any, assizetest.Any, assizetest.Any, assize.Obligation{Type: "notify"})
	client := fake.Client()
	if result, _ := client.Check(t.Context(), assize.Question{}); result.Allowed || result.Failure != assize.FailureUnknownObligation {
		t.Errorf("%+v", result)
	}
	fake.Fail(codes.Unavailable)
	if result, _ := client.Check(t.Context(), assize.Question{}); result.Allowed || result.Failure != assize.FailureUnavailable {
		t.Errorf("%+v", result)
	}
	fake.Fail(codes.OK)
	fake.Forget()
	fake.Allow(assizetest.Any, assizetest.Any, assizetest.Any)
	if result, _ := client.Check(t.Context(), assize.Question{AtRevision: 1}); result.Allowed || result.Failure != assize.FailureHistorical {
		t.Errorf("%+v", result)
	}
}

func TestRemembersWhatItWasAskedAndTold(t *testing.T) {
	fake := assizetest.Start(t)
	client := fake.Client(assize.WithEnv("staging"))
	asked := assize.Question{
		Subject: "user:alice", Resource: "doc:1", Action: "read", Tenant: "other", Env: "production",
		Context:       map[string]any{"amount": int64(3), "tags": []any{"a", true, 1.5}, "inner": map[string]any{"at": time.Unix(1, 0).UTC()}},
		SubjectTenant: "home", ActiveRoles: []string{"a"}, OnBehalfOf: "user:bob", OnBehalfOfTenant: "other", RunID: "r",
		MinRevision: 3, AsOf: time.Unix(2, 0).UTC(), Explain: true,
	}
	if _, err := client.Check(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if got := fake.Checked(); len(got) != 1 || !reflect.DeepEqual(got[0], asked) {
		t.Errorf("remembers %+v", got)
	}
	told := assize.Event{Type: "doc.read", Actor: "user:alice", Outcome: assize.OutcomeDenied, OccurredAt: time.Unix(1, 0).UTC(), Reads: []string{"a"}}
	for range 2 {
		appended, err := client.AppendAudit(t.Context(), assize.Append{Events: []assize.Event{told}, IdempotencyKey: "k"})
		if err != nil || appended.Receipts[0].Seq != 0 {
			t.Fatalf("%+v, %v", appended, err)
		}
	}
	told.Env = "staging"
	if got := fake.Appended(); len(got) != 1 || !reflect.DeepEqual(got[0], told) {
		t.Errorf("remembers %+v", got)
	}
}

func TestAKeyIsOfOneContentInOneTenant(t *testing.T) {
	client := assizetest.Start(t).Client()
	write := func(tenant, kind string) error {
		_, err := client.AppendAudit(t.Context(), assize.Append{
			Tenant: tenant, Events: []assize.Event{{Type: kind, Outcome: assize.OutcomeSuccess}}, IdempotencyKey: "k",
		})
		return err
	}
	if err := errors.Join(write("a", "doc.read"), write("a", "doc.read"), write("b", "doc.listed")); err != nil {
		t.Error(err)
	}
	failed := (*assize.Error)(nil)
	if err := write("a", "doc.listed"); !errors.As(err, &failed) || failed.Failure != assize.FailureAlreadyExists {
		t.Error("another content under a used key:", err)
	}
}

func TestAnApprovalIsUsedUpOnce(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow(assizetest.Any, assizetest.Any, assizetest.Any, assize.Obligation{Type: assize.UseApproval})
	client := fake.Client(assize.WithUseApproval())
	if _, err := client.Enforce(t.Context(), assize.Question{}); err != nil {
		t.Error(err)
	}
	denied := (*assize.DeniedError)(nil)
	if _, err := client.Enforce(t.Context(), assize.Question{}); !errors.As(err, &denied) {
		t.Error("used twice:", err)
	}
}

func TestSpoolsLikeASidecarForWhoIsContentWithThat(t *testing.T) {
	fake := assizetest.Start(t)
	client := fake.Client()
	spool := assize.Append{Events: []assize.Event{{Type: "a.done"}}, Acknowledgement: assize.AcknowledgementSpooled}
	if appended, err := client.AppendAudit(t.Context(), spool); err != nil || appended.Spooled != nil {
		t.Errorf("%+v, %v", appended, err)
	}
	fake.Spool()
	if appended, err := client.AppendAudit(t.Context(), spool); err != nil || appended.Spooled == nil {
		t.Errorf("%+v, %v", appended, err)
	}
	if appended, err := client.AppendAudit(t.Context(), assize.Append{Events: spool.Events}); err != nil || appended.Spooled != nil {
		t.Errorf("%+v, %v", appended, err)
	}
	if events := fake.Appended(); len(events) != 3 {
		t.Errorf("appended %d", len(events))
	}
}
