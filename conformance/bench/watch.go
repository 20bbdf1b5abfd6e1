package main

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// fan is the fan-out of events to many watchers. Every event's name says when it was sent.
type fan struct {
	b        *bench
	sent     []atomic.Int64
	origin   time.Time
	watchers []watcher
	opened   sync.WaitGroup
	done     sync.WaitGroup
}

type watcher struct {
	fan     *fan
	call    *call
	partial []byte // of a line that another frame ends
	took    []time.Duration
	open    bool
}

var addedMark, nameMark = []byte(`{"type":"ADDED"`), []byte(`"name":"fan-`)

func (w *watcher) line(line []byte) {
	if !bytes.HasPrefix(line, addedMark) {
		return
	}
	at := bytes.Index(line[:min(len(line), 400)], nameMark)
	if at < 0 {
		return
	}
	digits := line[at+len(nameMark):]
	i, err := strconv.Atoi(string(digits[:6]))
	if err != nil || i >= len(w.fan.sent) {
		return
	}
	w.took = append(w.took, time.Since(w.fan.origin)-time.Duration(w.fan.sent[i].Load()))
	if len(w.took) == len(w.fan.sent) {
		w.fan.done.Done()
	}
}

func (w *watcher) data(p []byte) {
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.partial = append(w.partial, p...)
			return
		}
		if len(w.partial) > 0 {
			w.partial = append(w.partial, p[:end]...)
			w.line(w.partial)
			w.partial = w.partial[:0]
		} else {
			w.line(p[:end])
		}
		p = p[end+1:]
	}
}

// setOpen counts a watch as open once, whether it got an answer or an end.
func (w *watcher) setOpen() {
	if !w.open {
		w.open = true
		w.fan.opened.Done()
	}
}

func (f *fan) openWatches() error {
	const batch = 500 // handshakes and requests come in waves, or a server's queue of new connections overflows
	// Servers allow 100 (upstream's default) to 1,000 streams on a connection; any answer comes after they have said so.
	if err := f.b.request("GET", "/version", nil); err != nil {
		return err
	}
	each := f.b.conns[0].limit()
	count := max(f.b.options.conns, (len(f.watchers)+each-1)/each)
	var conns []*conn
	for len(conns) < count {
		c, err := f.b.dial()
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	path := f.b.collection() + "?watch=true&resourceVersion=0&allowWatchBookmarks=true&labelSelector=fan%3Dout"
	for i := range f.watchers {
		w := &f.watchers[i]
		*w = watcher{fan: f, took: make([]time.Duration, 0, len(f.sent))}
		w.call = &call{method: "GET", path: path, accept: f.b.accept, onHead: w.setOpen, onData: w.data}
		w.call.done = func(*call) { w.setOpen() }
		f.opened.Add(1)
		f.done.Add(1)
		c := conns[i%count]
		c.start(w.call)
		c.flush()
		if i%batch == batch-1 {
			f.opened.Wait()
		}
	}
	f.opened.Wait()
	for i := range f.watchers {
		if f.watchers[i].call.status != 200 {
			return fmt.Errorf("a watch was answered with %d %v", f.watchers[i].call.status, f.watchers[i].call.err)
		}
	}
	return nil
}

// request is one call on the first connection of the bench, waited for.
func (b *bench) request(method, path string, body []byte) error {
	end := make(chan *call, 1)
	k := &call{method: method, path: path, accept: b.accept, body: body, done: func(k *call) { end <- k }}
	if body != nil {
		k.ctype = "application/json"
	}
	b.conns[0].start(k)
	b.conns[0].flush()
	<-end
	if k.err != nil || k.status >= 300 {
		return fmt.Errorf("%s %s: status %d %v", method, path, k.status, k.err)
	}
	return nil
}

func (f *fan) sendEvents() error {
	b := f.b
	began := time.Now()
	for i := range f.sent {
		body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fan-%06d","labels":{"fan":"out"}},`+
			`"data":{"payload":"%s"}}`, i, b.payload)
		f.sent[i].Store(int64(time.Since(f.origin)))
		if err := b.request("POST", b.collection(), body); err != nil {
			return err
		}
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * time.Second / time.Duration(b.rate))))
	}
	return nil
}

// runWatch opens the watches, then creates objects at a steady rate and looks how late every watcher sees each of them.
func runWatch(b *bench, name string) error {
	f := &fan{b: b, sent: make([]atomic.Int64, b.events), watchers: make([]watcher, b.watchers), origin: time.Now()}
	if err := f.openWatches(); err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	m := startMeter(b.pids)
	if err := f.sendEvents(); err != nil {
		return err
	}
	all := make(chan struct{})
	go func() { f.done.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(60 * time.Second):
	}
	c := m.stop()
	closed := map[*conn]bool{}
	o := &outcome{}
	for i := range f.watchers {
		if w := &f.watchers[i]; !closed[w.call.conn] {
			closed[w.call.conn] = true
			w.call.conn.close()
		}
		o.took = append(o.took, f.watchers[i].took...)
	}
	b.note("watch_lost", float64(b.watchers*b.events-len(o.took)))
	if err := b.report(name, o, c, fmt.Sprintf("watchers=%d of=%d", b.watchers, b.watchers*b.events)); err != nil {
		return err
	}
	for i := range f.sent {
		if err := b.request("DELETE", fmt.Sprintf("%s/fan-%06d", b.collection(), i), nil); err != nil {
			return err
		}
	}
	return nil
}
