package assize_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// authority issues certificates for a test.
type authority struct {
	t           *testing.T
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	certificate, key := a.issue(a.certificate, a.file)
	a.certificate, a.key = certificate.Leaf, key
	return a
}

// issue writes a certificate to a file, and its key beside it.
func (a *authority) issue(template *x509.Certificate, file string) (tls.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encodedKey})
	for name, content := range map[string][]byte{file: certificate, file + ".key": private} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certificate, private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair, key
}

func (a *authority) leaf(name string) (tls.Certificate, string) {
	file := filepath.Join(a.t.TempDir(), name+".pem")
	pair, _ := a.issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, file)
	return pair, file
}

// listen serves one allow at an address.
func listen(t *testing.T, listener net.Listener, opts ...grpc.ServerOption) string {
	t.Helper()
	server := grpc.NewServer(opts...)
	assizev1.RegisterDecisionServiceServer(server, answering(allow()))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func TestSpeaksTLSAndTrustsOnlyWhomItIsTold(t *testing.T) {
	trusted, other := newAuthority(t), newAuthority(t)
	own, _ := trusted.leaf("assize.test")
	clients := x509.NewCertPool()
	clients.AddCert(trusted.certificate)
	target := listen(t, listenTCP(t), grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
	})))
	_, file := trusted.leaf("service")
	_, stranger := other.leaf("service")
	certificate := assize.WithClientCertificate(file, file+".key")
	name := assize.WithServerName("assize.test")
	for what, test := range map[string]struct {
		options []assize.Option
		allowed bool
	}{
		"plain text":          {nil, false},
		"another authority":   {[]assize.Option{assize.WithServerCA(other.file), certificate, name}, false},
		"the system's roots":  {[]assize.Option{certificate, name}, false},
		"another name":        {[]assize.Option{assize.WithServerCA(trusted.file), certificate}, false},
		"no certificate":      {[]assize.Option{assize.WithServerCA(trusted.file), name}, false},
		"a stranger's":        {[]assize.Option{assize.WithServerCA(trusted.file), assize.WithClientCertificate(stranger, stranger+".key"), name}, false},
		"all as it should be": {[]assize.Option{assize.WithServerCA(trusted.file), certificate, name}, true},
		"in another order":    {[]assize.Option{name, certificate, assize.WithServerCA(trusted.file)}, true},
	} {
		client := newClient(t, target, append(test.options, assize.WithCheckDeadline(2*time.Second))...)
		if result, err := client.Check(t.Context(), question); err != nil || result.Allowed != test.allowed {
			t.Errorf("%s: %+v, %v", what, result, err)
		}
	}
}

func TestPlainTextStaysOnThisMachineUnlessItIsAskedFor(t *testing.T) {
	for target, isPlain := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "unix:/run/a.sock": true, "unix-abstract:a": true,
		"10.0.0.1:1": false, "assize.example.com:1": false, "localhost.example.com:1": false, "dns:///localhost:1": false, "localhost": false,
	} {
		if assize.IsPlain(t, target) != isPlain {
			t.Errorf("%s: %t", target, !isPlain)
		}
	}
	if !assize.IsPlain(t, "10.0.0.1:1", assize.WithPlaintext()) {
		t.Error("plain text was asked for")
	}
	if _, err := assize.New("10.0.0.1:1", assize.WithKey("asz_k"), assize.WithPlaintext(), assize.WithServerName("a")); err == nil {
		t.Error("both were asked for")
	}
}

func TestAsksThroughAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	listen(t, listener)
	for _, target := range []string{path, "unix:" + path} {
		if result, err := newClient(t, target).Check(t.Context(), question); err != nil || !result.Allowed {
			t.Errorf("%s: %+v, %v", target, result, err)
		}
	}
}

func TestReadsItsKeyFromAFileOrTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("asz_from_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(assize.KeyVariable, "asz_from_environment")
	for want, options := range map[string][]assize.Option{
		"asz_from_file": {assize.WithKeyFile(file)}, "asz_from_environment": nil, "asz_said": {assize.WithKey("asz_said")},
	} {
		client, err := assize.New("127.0.0.1:1", options...)
		if err != nil {
			t.Fatal(err)
		}
		if assize.Key(client) != want {
			t.Errorf("%s", assize.Key(client))
		}
		_ = client.Close()
	}
}
