package ledger

// Chain verifies the entries of one ledger, one after the other.
type Chain struct {
	origin      string
	next        int64
	link        Hash
	incarnation uint32
	last        *Frame // nil before the first
}

// NewChain begins with the first entry of the ledger of that origin.
func NewChain(origin string) *Chain {
	return &Chain{origin: origin, link: hashOf([]byte("assize/v1/genesis"), []byte{0}, []byte(origin))}
}

// ChainBehind begins behind an entry that is trusted already.
func ChainBehind(origin string, seq int64, entryHash Hash) *Chain {
	return &Chain{origin: origin, next: seq + 1, link: entryHash}
}

// Take takes the next entry, and says what is in it. After an error there is no next.
func (c *Chain) Take(entry []byte) (*Frame, error) {
	frame, err := ReadFrame(entry)
	if err != nil {
		return nil, at(c.next, err)
	}
	switch {
	case frame.Origin != c.origin:
		return nil, c.fault("belongs to another ledger")
	case frame.Seq != c.next:
		return nil, notProvenAt(c.next, "entry %d is missing: entry %d stands in its place", c.next, frame.Seq)
	case frame.PrevHash != c.link:
		return nil, c.fault("does not contain the hash of the entry before it")
	case frame.Incarnation < c.incarnation:
		return nil, c.fault("belongs to an incarnation that has ended")
	case c.last != nil && frame.micros() <= c.last.micros():
		return nil, c.fault("was recorded no later than the entry before it")
	}
	c.link, c.incarnation, c.last = EntryHash(entry), frame.Incarnation, frame
	c.next++
	return frame, nil
}

// Next is the position of the next entry.
func (c *Chain) Next() int64 { return c.next }

// Head is the hash of the last entry; before the first, what it must contain.
func (c *Chain) Head() Hash { return c.link }

func (c *Chain) fault(what string) error { return notProvenAt(c.next, "entry %d %s", c.next, what) }
