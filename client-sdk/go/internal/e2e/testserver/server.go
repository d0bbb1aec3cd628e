// Package testserver starts the server of this repository, for tests that hold the client to it.
package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
)

// ErrNotBuilt says that there is no server to start.
var ErrNotBuilt = errors.New("the server is not built: run `mvn package -DskipTests -pl server -am`, or ./assize once")

// CheckoutVariable names the environment variable for another checkout of the repository than the one around.
const CheckoutVariable = "ASSIZE_CHECKOUT"

const (
	startTime = 5 * time.Minute // the launcher builds first what has changed
	stopTime  = 30 * time.Second
)

// Server is one that runs, with a database of its own.
type Server struct {
	Target   string
	Home     string
	Key      string // the administrator's
	launcher string
	process  *exec.Cmd
}

// Start starts a server on free ports.
func Start() (*Server, error) {
	launcher, err := findLauncher()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "assize")
	if err != nil {
		return nil, err
	}
	s := &Server{Home: home, launcher: launcher}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func findLauncher() (string, error) {
	checkout := os.Getenv(CheckoutVariable)
	if checkout == "" {
		checkout = "../../../.." // of a test in internal/e2e
	}
	launcher, err := filepath.Abs(filepath.Join(checkout, "assize"))
	if err != nil {
		return "", err
	}
	jars, err := filepath.Glob(filepath.Join(checkout, "server", "target", "assize-server-[0-9]*.jar"))
	if _, missing := os.Stat(launcher); err != nil || missing != nil || len(jars) == 0 {
		return "", ErrNotBuilt
	}
	return launcher, nil
}

// environment has nothing of another server's configuration.
func (s *Server) environment(more ...string) []string {
	ours := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "ASSIZE_") && !strings.HasPrefix(variable, "ASSIZE_JAVA_OPTS=")
	})
	return append(append(ours, "ASSIZE_HOME="+s.Home), more...)
}

var gRPCLine = regexp.MustCompile(`gRPC\s+(127\.0\.0\.1:\d+)`)

func (s *Server) start() error {
	s.process = exec.Command(s.launcher, "serve")
	s.process.Env = s.environment("ASSIZE_GRPC_PORT=0", "ASSIZE_HTTP_PORT=0")
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all of it ends
	output, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	s.process.Stderr = s.process.Stdout
	if err := s.process.Start(); err != nil {
		return err
	}
	late := time.AfterFunc(startTime, func() { _ = s.signal(syscall.SIGKILL) })
	defer late.Stop()
	var seen strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		fmt.Fprintln(&seen, lines.Text())
		if found := gRPCLine.FindStringSubmatch(lines.Text()); found != nil {
			s.Target = found[1]
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return s.readKey()
		}
	}
	return fmt.Errorf("the server did not start:\n%s", seen.String())
}

func (s *Server) readKey() error {
	credentials, err := os.ReadFile(filepath.Join(s.Home, "credentials"))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(credentials), "\n") {
		if key, found := strings.CutPrefix(line, "key: "); found {
			s.Key = strings.TrimSpace(key)
		}
	}
	return nil
}

func (s *Server) signal(signal syscall.Signal) error {
	return syscall.Kill(-s.process.Process.Pid, signal)
}

// Stop ends the server, and removes what it kept.
func (s *Server) Stop() error {
	if s.process != nil && s.process.Process != nil {
		late := time.AfterFunc(stopTime, func() { _ = s.signal(syscall.SIGKILL) })
		_ = s.signal(syscall.SIGTERM)
		_ = s.process.Wait() // how it ends is its own affair
		late.Stop()
	}
	return os.RemoveAll(s.Home)
}

// Client makes a client with the administrator's key, or with another.
func (s *Server) Client(opts ...assize.Option) (*assize.Client, error) {
	return assize.New(s.Target, append([]assize.Option{
		assize.WithKey(s.Key), assize.WithCheckDeadline(20 * time.Second), assize.WithCallDeadline(time.Minute),
	}, opts...)...)
}

// Apply applies policy documents.
func (s *Server) Apply(ctx context.Context, documents string) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	stream, err := assizev1.NewPolicyServiceClient(client.Conn()).ApplyPolicy(ctx)
	if err != nil {
		return err
	}
	for _, part := range []*assizev1.ApplyPolicyRequest{
		{Part: &assizev1.ApplyPolicyRequest_Header{Header: &assizev1.ApplyPolicyHeader{Reason: "test"}}},
		{Part: &assizev1.ApplyPolicyRequest_Put{Put: &assizev1.PolicySource{File: "test.yaml", Yaml: []byte(documents)}}},
	} {
		if err := stream.Send(part); err != nil {
			break // CloseAndRecv says why
		}
	}
	_, err = stream.CloseAndRecv()
	return err
}

// NewKey makes a key for a subject of tenant `assize` that reaches a tenant.
func (s *Server) NewKey(ctx context.Context, subject, tenant string) (string, error) {
	client, err := s.Client()
	if err != nil {
		return "", err
	}
	defer client.Close()
	made, err := assizev1.NewAccessServiceClient(client.Conn()).CreateKey(ctx, &assizev1.CreateKeyRequest{
		Tenant: "assize", Subject: subject, Tenants: []string{tenant},
	})
	return made.GetCredential(), err
}

// Run runs a command of the launcher, as the administrator.
func (s *Server) Run(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, s.launcher, arguments...)
	command.Env = s.environment()
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("assize %s: %w\n%s", strings.Join(arguments, " "), err, output)
	}
	return nil
}
