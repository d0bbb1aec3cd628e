package assize

import (
	"testing"
	"time"

	"assize.dev/client-sdk/go/assizev1"
)

// Waiting tells how many Checks wait for the calls before them.
func Waiting(c *Client) int {
	c.gatherer.mu.Lock()
	defer c.gatherer.mu.Unlock()
	waiting := 0
	for _, traffic := range c.gatherer.lanes {
		waiting += len(traffic.waiting)
	}
	return waiting
}

// Lanes tells in how many lanes calls are under way.
func Lanes(c *Client) int {
	c.gatherer.mu.Lock()
	defer c.gatherer.mu.Unlock()
	return len(c.gatherer.lanes)
}

// SetCacheClocks has the cache go by other clocks.
func SetCacheClocks(c *Client, now func() time.Time, steady func() time.Duration) {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	c.cache.now, c.cache.steady = now, steady
}

// CacheEntries tells how many answers are kept.
func CacheEntries(c *Client) int {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	return c.cache.order.Len()
}

// Confirms tells whether the cache may be answered from for a tenant.
func Confirms(c *Client, tenant string) bool {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	w := c.cache.watchOf(tenant)
	return w != nil && c.cache.confirms(w)
}

// State is the policy that the stream of a tenant has named last.
func State(c *Client, tenant string) (revision, platform int64) {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	w := c.cache.watchOf(tenant)
	return w.revision, w.platform
}

// IsKeepable is what the cache asks of an answer before anything else.
func IsKeepable(answer *assizev1.CheckResponse) bool { return isKeepable(answer) }

// Key is what a client sends.
func Key(c *Client) string { return c.options.key }

// IsPlain tells whether a client would speak plain text to a target.
func IsPlain(t *testing.T, target string, opts ...Option) bool {
	t.Helper()
	o := defaults()
	for _, option := range opts {
		if err := option(o); err != nil {
			t.Fatal(err)
		}
	}
	transport, err := o.transport(target)
	if err != nil {
		t.Fatal(err)
	}
	return transport.Info().SecurityProtocol == "insecure"
}
