package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

// HTTP/2, written by hand and no more of it than a load generator needs: one goroutine reads a connection and, as each answer
// ends, starts the next request of the same slot. So a request costs the generator no switch of goroutines, and what it sends is
// what Go's own client would send.

const (
	frameData, frameHeaders, frameReset, frameSettings    = 0, 1, 3, 4
	framePing, frameGoAway, frameWindow, frameContinue    = 6, 7, 8, 9
	flagEnd, flagAck, flagHeadersEnd, flagPad, flagWeight = 1, 1, 4, 8, 32

	preface      = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	streamWindow = 4 << 20 // as Go's client has it
	connWindow   = 1 << 30
)

// A call is one request and its answer. The callbacks run on the reading goroutine of the connection.
type call struct {
	method, path, ctype, accept string
	body                        []byte
	onData                      func(p []byte) // nil: counted only
	onHead                      func()
	done                        func(c *call)

	conn    *conn
	id      uint32
	began   time.Time
	status  int
	gzip    bool
	bytes   int
	granted int // bytes of the stream's window that were used up and not given back
	err     error
}

type conn struct {
	t     *target
	net   net.Conn
	br    *bufio.Reader
	plain bool // do not ask for gzip

	mu      sync.Mutex // guards all below
	bw      *bufio.Writer
	enc     *hpack.Encoder
	encoded bytes.Buffer
	calls   map[uint32]*call
	waiting []*call
	nextID  uint32
	window  int // what we may send on the connection
	initial int // and on a stream
	streams int // and how many streams may be open
	err     error

	// the reading goroutine's own
	dec     *hpack.Decoder
	reading *call // whose head is being decoded
	head    []byte
	headEnd bool // the head is all of the answer
	used    int  // of the connection's window, not given back
}

func dial(t *target) (*conn, error) {
	raw, err := tls.Dial("tcp", t.addr, t.tls)
	if err != nil {
		return nil, err
	}
	if p := raw.ConnectionState().NegotiatedProtocol; p != "h2" {
		return nil, fmt.Errorf("the server speaks %q, not h2", p)
	}
	c := &conn{t: t, net: raw, br: bufio.NewReaderSize(raw, 64<<10), bw: bufio.NewWriterSize(raw, 64<<10),
		calls: map[uint32]*call{}, nextID: 1, window: 65535, initial: 65535, streams: 100}
	c.enc = hpack.NewEncoder(&c.encoded)
	c.dec = hpack.NewDecoder(4096, c.onField)
	c.bw.WriteString(preface)
	c.frame(12, frameSettings, 0, 0)
	c.setting(2, 0) // no push
	c.setting(4, streamWindow)
	c.giveBack(0, connWindow)
	if err := c.bw.Flush(); err != nil {
		return nil, err
	}
	go c.read()
	return c, nil
}

func (c *conn) close() { c.net.Close() }

// ---- writing; with c.mu held, or before anybody else has the connection ----

func (c *conn) frame(length int, kind, flags byte, id uint32) {
	var h [9]byte
	h[0], h[1], h[2], h[3], h[4] = byte(length>>16), byte(length>>8), byte(length), kind, flags
	binary.BigEndian.PutUint32(h[5:], id)
	c.bw.Write(h[:])
}

func (c *conn) setting(name uint16, value uint32) {
	var b [6]byte
	binary.BigEndian.PutUint16(b[:], name)
	binary.BigEndian.PutUint32(b[2:], value)
	c.bw.Write(b[:])
}

func (c *conn) word(value uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], value)
	c.bw.Write(b[:])
}

func (c *conn) giveBack(id uint32, bytes int) {
	c.frame(4, frameWindow, 0, id)
	c.word(uint32(bytes))
}

func (c *conn) field(name, value string) {
	c.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
}

func (c *conn) send(k *call) {
	c.encoded.Reset()
	c.field(":authority", c.t.host)
	c.field(":method", k.method)
	c.field(":path", k.path)
	c.field(":scheme", "https")
	if k.ctype != "" {
		c.field("content-type", k.ctype)
	}
	c.field("accept", k.accept)
	if c.t.auth != "" {
		c.field("authorization", c.t.auth)
	}
	if k.body != nil {
		c.field("content-length", strconv.Itoa(len(k.body)))
	}
	if !c.plain {
		c.field("accept-encoding", "gzip")
	}
	c.field("user-agent", "coxswain-bench/1.0")
	k.id, k.began = c.nextID, time.Now()
	c.nextID += 2
	c.calls[k.id] = k
	flags := byte(flagHeadersEnd)
	if k.body == nil {
		flags |= flagEnd
	}
	c.frame(c.encoded.Len(), frameHeaders, flags, k.id)
	c.bw.Write(c.encoded.Bytes())
	if k.body != nil {
		c.frame(len(k.body), frameData, flagEnd, k.id)
		c.bw.Write(k.body)
		c.window -= len(k.body)
	}
}

// pump sends what waits, as far as the server's limits go.
func (c *conn) pump() {
	for len(c.waiting) > 0 {
		k := c.waiting[0]
		if len(c.calls) >= c.streams || len(k.body) > c.window || len(k.body) > c.initial {
			return
		}
		c.waiting = c.waiting[1:]
		c.send(k)
	}
}

// start queues a call; flush sends. Any goroutine.
func (c *conn) start(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.conn, k.status, k.bytes, k.granted, k.gzip, k.err = c, 0, 0, 0, false, nil
	if c.err != nil {
		err := c.err
		go func() { k.err = err; k.done(k) }()
		return
	}
	c.waiting = append(c.waiting, k)
	c.pump()
}

// limit is how many calls the server takes at once.
func (c *conn) limit() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.streams, 1)
}

func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bw.Buffered() > 0 {
		c.bw.Flush()
	}
}

// cancel resets a call that has no end of its own (a watch).
func (c *conn) cancel(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame(4, frameReset, 0, k.id)
	c.word(8)
	delete(c.calls, k.id)
	c.bw.Flush()
}

// ---- reading ----

func (c *conn) read() {
	var err error
	for err == nil {
		if c.br.Buffered() == 0 {
			c.flush()
		}
		err = c.readFrame()
	}
	c.mu.Lock()
	c.err = err
	lost := c.waiting
	for _, k := range c.calls {
		lost = append(lost, k)
	}
	c.calls, c.waiting = map[uint32]*call{}, nil
	c.mu.Unlock()
	for _, k := range lost {
		k.err = err
		k.done(k)
	}
}

func (c *conn) readFrame() error {
	h, err := c.br.Peek(9)
	if err != nil {
		return err
	}
	length, kind, flags := int(h[0])<<16|int(h[1])<<8|int(h[2]), h[3], h[4]
	id := binary.BigEndian.Uint32(h[5:]) & 0x7fffffff
	c.br.Discard(9)
	p, err := c.br.Peek(length)
	if err != nil {
		return err
	}
	err = c.onFrame(kind, flags, id, p)
	c.br.Discard(length)
	return err
}

func (c *conn) find(id uint32) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[id]
}

func (c *conn) onFrame(kind, flags byte, id uint32, p []byte) error {
	switch kind {
	case frameData:
		c.onDataFrame(flags, id, p)
	case frameHeaders, frameContinue:
		return c.onHeaders(kind, flags, id, p)
	case frameReset:
		c.finish(id, fmt.Errorf("reset with code %d", binary.BigEndian.Uint32(p)))
	case frameSettings:
		c.onSettings(flags, p)
	case framePing:
		if flags&flagAck == 0 {
			c.mu.Lock()
			c.frame(8, framePing, flagAck, 0)
			c.bw.Write(p)
			c.mu.Unlock()
		}
	case frameGoAway:
		return fmt.Errorf("the server says GOAWAY, code %d %s", binary.BigEndian.Uint32(p[4:]), p[8:])
	case frameWindow:
		if id == 0 { // bodies are smaller than a stream's window
			c.mu.Lock()
			c.window += int(binary.BigEndian.Uint32(p))
			c.pump()
			c.mu.Unlock()
		}
	}
	return nil
}

func (c *conn) onSettings(flags byte, p []byte) {
	if flags&flagAck != 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; len(p) >= 6; p = p[6:] {
		value := int(binary.BigEndian.Uint32(p[2:]))
		switch binary.BigEndian.Uint16(p) {
		case 1:
			c.enc.SetMaxDynamicTableSizeLimit(uint32(value))
		case 3:
			c.streams = value
		case 4:
			c.initial = value
		}
	}
	c.frame(0, frameSettings, flagAck, 0)
	c.pump()
}

func unpad(flags byte, p []byte) []byte {
	if flags&flagPad != 0 && len(p) > int(p[0]) {
		return p[1 : len(p)-int(p[0])]
	}
	return p
}

func (c *conn) onDataFrame(flags byte, id uint32, p []byte) {
	k := c.find(id)
	c.used += len(p)
	if k != nil {
		k.granted += len(p)
		content := unpad(flags, p)
		k.bytes += len(content)
		if k.onData != nil {
			k.onData(content)
		}
	}
	end := flags&flagEnd != 0
	if c.used > connWindow/2 || (k != nil && k.granted > streamWindow/2 && !end) {
		c.mu.Lock()
		if c.used > connWindow/2 {
			c.giveBack(0, c.used)
			c.used = 0
		}
		if k != nil && !end && k.granted > 0 {
			c.giveBack(id, k.granted)
			k.granted = 0
		}
		c.bw.Flush()
		c.mu.Unlock()
	}
	if end {
		c.finish(id, nil)
	}
}

func (c *conn) onField(f hpack.HeaderField) {
	if c.reading == nil {
		return
	}
	switch f.Name {
	case ":status":
		c.reading.status, _ = strconv.Atoi(f.Value)
	case "content-encoding":
		c.reading.gzip = f.Value == "gzip"
	}
}

func (c *conn) onHeaders(kind, flags byte, id uint32, p []byte) error {
	if kind == frameHeaders {
		p = unpad(flags, p)
		if flags&flagWeight != 0 {
			p = p[5:]
		}
		c.head = c.head[:0]
		c.reading, c.headEnd = c.find(id), flags&flagEnd != 0
	}
	if kind == frameContinue || flags&flagHeadersEnd == 0 {
		c.head = append(c.head, p...)
		p = c.head
	}
	if flags&flagHeadersEnd == 0 {
		return nil
	}
	if _, err := c.dec.Write(p); err != nil {
		return err
	}
	if err := c.dec.Close(); err != nil {
		return err
	}
	if c.reading != nil && c.reading.onHead != nil {
		c.reading.onHead()
	}
	if c.headEnd {
		c.finish(id, nil)
	}
	return nil
}

func (c *conn) finish(id uint32, err error) {
	c.mu.Lock()
	k := c.calls[id]
	delete(c.calls, id)
	c.pump()
	c.mu.Unlock()
	if k != nil {
		k.err = err
		k.done(k)
	}
}
