package assizegrpc_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizegrpc"
	"assize.dev/client-sdk/go/assizetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// health stands for a service of the user's: it has a unary method and a stream.
type health struct {
	healthpb.UnimplementedHealthServer
	decisions []string
}

func (h *health) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	result, _ := assizegrpc.Result(ctx)
	h.decisions = append(h.decisions, result.DecisionID)
	return &healthpb.HealthCheckResponse{}, nil
}

func (h *health) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	return &healthpb.HealthListResponse{}, nil
}

func (h *health) Watch(_ *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	result, _ := assizegrpc.Result(stream.Context())
	h.decisions = append(h.decisions, result.DecisionID)
	return stream.Send(&healthpb.HealthCheckResponse{})
}

var methods = assizegrpc.Methods{
	healthpb.Health_Check_FullMethodName: func(_ context.Context, request any) (assize.Question, error) {
		id := request.(*healthpb.HealthCheckRequest).Service
		if id == "" {
			return assize.Question{}, errors.New("no service")
		}
		return assize.Question{Action: "check", Resource: "service:" + assize.EscapeID(id)}, nil
	},
	healthpb.Health_Watch_FullMethodName: func(_ context.Context, request any) (assize.Question, error) {
		if request != nil {
			return assize.Question{}, errors.New("a stream has no request yet")
		}
		return assize.Question{Action: "watch", Resource: "service"}, nil
	},
}

// who reads the subject from metadata, as no service outside of a test may.
func who(ctx context.Context) (string, error) {
	if said := metadata.ValueFromIncomingContext(ctx, "x-who"); len(said) == 1 {
		return said[0], nil
	}
	return "", errors.New("nobody")
}

func serve(t *testing.T, fake *assizetest.Fake, methods assizegrpc.Methods) (healthpb.HealthClient, *health) {
	t.Helper()
	door, err := assizegrpc.New(fake.Client(), who, methods)
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.UnaryInterceptor(door.Unary()), grpc.StreamInterceptor(door.Stream()))
	service := &health{}
	healthpb.RegisterHealthServer(server, service)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient("passthrough:///service", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return healthpb.NewHealthClient(conn), service
}

func as(t *testing.T, subject string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "x-who", subject)
}

func TestRefusesCallsThatAreNotAllowed(t *testing.T) {
	for name, test := range map[string]struct {
		ctx     context.Context
		service string
		set     func(fake *assizetest.Fake)
		code    codes.Code
	}{
		"nobody":               {t.Context(), "a", nil, codes.Unauthenticated},
		"a deny":               {as(t, "user:bob"), "a", nil, codes.PermissionDenied},
		"no question":          {as(t, "user:alice"), "", nil, codes.InvalidArgument},
		"no answer":            {as(t, "user:alice"), "a", func(f *assizetest.Fake) { f.Fail(codes.Internal) }, codes.Unavailable},
		"a malformed question": {as(t, "user:alice"), "a", func(f *assizetest.Fake) { f.Fail(codes.InvalidArgument) }, codes.InvalidArgument},
		"an unknown obligation": {as(t, "user:alice"), "a", func(f *assizetest.Fake) {
			f.Allow(assizetest.Any, assizetest.Any, assizetest.Any, assize.Obligation{Type: "notify"})
		}, codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			fake := assizetest.Start(t)
			fake.Allow("user:alice", assizetest.Any, assizetest.Any)
			if test.set != nil {
				test.set(fake)
			}
			client, service := serve(t, fake, methods)
			if _, err := client.Check(test.ctx, &healthpb.HealthCheckRequest{Service: test.service}); status.Code(err) != test.code || len(service.decisions) > 0 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAMethodThatIsNotListedIsDenied(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow(assizetest.Any, assizetest.Any, assizetest.Any)
	client, _ := serve(t, fake, methods)
	if _, err := client.List(as(t, "user:alice"), &healthpb.HealthListRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v", err)
	}
}

func TestPassesCallsAndStreamsThatAreAllowed(t *testing.T) {
	fake := assizetest.Start(t)
	fake.Allow("user:alice", "service:a%2Fb", "check")
	fake.Allow("user:alice", "service", "watch")
	client, service := serve(t, fake, methods)
	if _, err := client.Check(as(t, "user:alice"), &healthpb.HealthCheckRequest{Service: "a/b"}); err != nil {
		t.Error(err)
	}
	stream, err := client.Watch(as(t, "user:alice"), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Error(err)
	}
	if len(service.decisions) != 2 || service.decisions[0] != "decision-1" || service.decisions[1] != "decision-2" {
		t.Errorf("decided by %q", service.decisions)
	}
	denied, err := client.Watch(as(t, "user:bob"), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := denied.Recv(); status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v", err)
	}
}

func TestAnOpenMethodIsNotAskedFor(t *testing.T) {
	fake := assizetest.Start(t)
	client, _ := serve(t, fake, assizegrpc.Methods{healthpb.Health_Check_FullMethodName: assizegrpc.Open})
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || len(fake.Checked()) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestRefusesADoorThatCannotWork(t *testing.T) {
	client := assizetest.Start(t).Client()
	for name, wrong := range map[string]assizegrpc.Methods{
		"no method": {"Check": assizegrpc.Open}, "no service": {"/Check": assizegrpc.Open}, "nothing asked": {"/a/b": nil},
	} {
		if _, err := assizegrpc.New(client, who, wrong); err == nil {
			t.Error(name)
		}
	}
	if _, err := assizegrpc.New(nil, who, nil); err == nil {
		t.Error("no client")
	}
	if _, err := assizegrpc.New(client, nil, nil); err == nil {
		t.Error("no subject")
	}
}
