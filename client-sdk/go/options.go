package assize

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// KeyVariable is the environment variable that holds the API key where no option gives one.
const KeyVariable = "ASSIZE_KEY"

// Option says something about a client to New.
type Option func(*options) error

type options struct {
	key           string
	tenant, env   string
	tls           *tls.Config
	plaintext     bool
	checkDeadline time.Duration
	callDeadline  time.Duration
	retries       Retries
	batching      bool
	cacheEntries  int
	asErrors      bool
	obligations   map[string]Fulfil
	usesApprovals bool
	tracing       Tracing
	dial          []grpc.DialOption
}

// Fulfil carries out an obligation of an allow; an error is a deny.
type Fulfil func(ctx context.Context, question Question, result Result, obligation Obligation) error

// Retries says how often a call is tried that may be tried again, and how long is waited in between: a random part of
// FirstBackoff, twice as much each time, up to LongestBackoff. What the server asks for goes before.
type Retries struct {
	Tries          int
	FirstBackoff   time.Duration
	LongestBackoff time.Duration
}

const (
	defaultCheckDeadline = time.Second
	defaultCallDeadline  = 10 * time.Second
)

func defaults() *options {
	return &options{
		checkDeadline: defaultCheckDeadline,
		callDeadline:  defaultCallDeadline,
		retries:       Retries{Tries: 3, FirstBackoff: 50 * time.Millisecond, LongestBackoff: time.Second},
		obligations:   map[string]Fulfil{},
		tracing:       untraced{},
	}
}

// WithKey sets the API key, `asz_…`. Without it, and without WithKeyFile, it is read from ASSIZE_KEY.
func WithKey(key string) Option {
	return func(o *options) error {
		o.key = key
		return nil
	}
}

// WithKeyFile reads the API key from a file, once.
func WithKeyFile(file string) Option {
	return func(o *options) error {
		content, err := os.ReadFile(file)
		o.key = strings.TrimSpace(string(content))
		return err
	}
}

// WithTenant sets the tenant of questions and appends that name none.
func WithTenant(tenant string) Option {
	return func(o *options) error {
		o.tenant = tenant
		return nil
	}
}

// WithEnv sets the environment of questions that name none.
func WithEnv(env string) Option {
	return func(o *options) error {
		o.env = env
		return nil
	}
}

// WithTLS speaks TLS as the configuration says. TLS with the system's roots is what is spoken to any target that is not
// on this machine; to one that is, plain text unless this, WithServerCA or WithClientCertificate is given.
func WithTLS(config *tls.Config) Option {
	return func(o *options) error {
		o.tls = config.Clone()
		return nil
	}
}

// WithServerCA speaks TLS and trusts the certificates in a PEM file instead of the system's.
func WithServerCA(file string) Option {
	return func(o *options) error {
		pem, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate", file)
		}
		o.ensureTLS().RootCAs = roots
		return nil
	}
}

// WithClientCertificate speaks TLS and shows a certificate, from PEM files.
func WithClientCertificate(certificateFile, keyFile string) Option {
	return func(o *options) error {
		certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return err
		}
		o.ensureTLS().Certificates = []tls.Certificate{certificate}
		return nil
	}
}

// WithServerName speaks TLS and expects the certificate to be for this name, not for the host in the target.
func WithServerName(name string) Option {
	return func(o *options) error {
		o.ensureTLS().ServerName = name
		return nil
	}
}

// WithPlaintext speaks plain text to a target on another machine. The key travels in each call: whoever can listen to
// the network can use it.
func WithPlaintext() Option {
	return func(o *options) error {
		o.plaintext = true
		return nil
	}
}

// WithCheckDeadline bounds Check, CheckBatch and Enforce where their context has no deadline; 1 s unless said.
func WithCheckDeadline(deadline time.Duration) Option {
	return func(o *options) error {
		o.checkDeadline = deadline
		return positive(deadline)
	}
}

// WithCallDeadline bounds every other call whose context has no deadline; 10 s unless said.
func WithCallDeadline(deadline time.Duration) Option {
	return func(o *options) error {
		o.callDeadline = deadline
		return positive(deadline)
	}
}

// WithRetries sets how calls are tried again. One try is none.
func WithRetries(retries Retries) Option {
	return func(o *options) error {
		o.retries = retries
		if retries.Tries < 1 {
			return fmt.Errorf("%d tries: expected at least 1", retries.Tries)
		}
		return errors.Join(positive(retries.FirstBackoff), positive(retries.LongestBackoff))
	}
}

// WithBatching sends Checks that are asked at the same time together. There is no waiting for company: a lone Check goes
// at once, and what is asked while two calls are under way goes as one CheckBatch behind them. Who has waited for a quarter
// of its deadline goes alone. Each keeps its own deadline and error.
func WithBatching() Option {
	return func(o *options) error {
		o.batching = true
		return nil
	}
}

// WithCache keeps up to so many answers, each until its ValidUntil, and only while a WatchPolicy stream for its tenant
// says that policy has not changed: the key needs the permission `watch` there. At most 64 tenants are watched at a
// time.
func WithCache(entries int) Option {
	return func(o *options) error {
		o.cacheEntries = entries
		if entries < 1 {
			return fmt.Errorf("a cache of %d entries: expected at least 1", entries)
		}
		return nil
	}
}

// WithErrors has failures returned as errors, too. Results stay denied.
func WithErrors() Option {
	return func(o *options) error {
		o.asErrors = true
		return nil
	}
}

// WithObligation declares a type of obligation as known. Enforce carries it out by fulfil; where that is nil the type is
// known to Check, whose caller carries it out, and still denied by Enforce.
func WithObligation(obligationType string, fulfil Fulfil) Option {
	return func(o *options) error {
		o.obligations[obligationType] = fulfil
		return nil
	}
}

// WithTracing tells somebody of each call; see the module assizeotel.
func WithTracing(tracing Tracing) Option {
	return func(o *options) error {
		o.tracing = tracing
		return nil
	}
}

// WithDialOptions hands options to the connection, behind the client's own.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) error {
		o.dial = append(o.dial, dial...)
		return nil
	}
}

func positive(duration time.Duration) error {
	if duration <= 0 {
		return fmt.Errorf("%s: expected a positive duration", duration)
	}
	return nil
}

func (o *options) ensureTLS() *tls.Config {
	if o.tls == nil {
		o.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o.tls
}

func (o *options) transport(target string) (credentials.TransportCredentials, error) {
	switch {
	case o.plaintext && o.tls != nil:
		return nil, errors.New("both plain text and TLS are asked for")
	case o.tls != nil:
		return credentials.NewTLS(o.tls), nil
	case o.plaintext || isLocal(target):
		return insecure.NewCredentials(), nil
	default:
		return credentials.NewTLS(o.ensureTLS()), nil
	}
}

// isLocal tells whether the target never leaves this machine.
func isLocal(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// apiKey sends the key with each call, over whatever transport the options chose.
type apiKey string

func (k apiKey) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(k)}, nil
}

func (k apiKey) RequireTransportSecurity() bool { return false }
