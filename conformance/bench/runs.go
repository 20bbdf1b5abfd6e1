package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var runs map[string]func(b *bench, name string) error

func init() {
	runs = map[string]func(b *bench, name string) error{
		"start": runStart, "idle": runIdle, "memory": runMemory, "watch": runWatch,
		"create":   runWrites("POST", "application/json", "a", false),
		"update":   runWrites("PUT", "application/json", "b", true),
		"patch":    runWrites("PATCH", "application/merge-patch+json", "c", true),
		"apply":    runWrites("PATCH", "application/apply-patch+yaml", "d", true),
		"delete":   runWrites("DELETE", "", "", true),
		"get":      runGets,
		"list":     runReads("", 10, 1),
		"list4":    runReads("", 20, 4),
		"selector": runReads("?labelSelector=shard%3Ds3", 20, 1),
		"page":     runReads("?limit=500", 50, 1),
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// outcome of a run: the time each operation took, and how many went wrong.
type outcome struct {
	took     []time.Duration
	bad      int64
	firstBad atomic.Value
}

func (o *outcome) failed(why string) {
	atomic.AddInt64(&o.bad, 1)
	o.firstBad.CompareAndSwap(nil, why)
}

func (o *outcome) quantile(q float64) time.Duration {
	return o.took[min(int(float64(len(o.took))*q), len(o.took)-1)]
}

// report prints the line of a run and notes its figures. n: operations the cost is shared by.
func (b *bench) report(name string, o *outcome, c cost, more string) error {
	n := len(o.took)
	if n == 0 {
		return fmt.Errorf("nothing was answered")
	}
	sort.Slice(o.took, func(i, j int) bool { return o.took[i] < o.took[j] })
	rate := float64(n) / c.wall.Seconds()
	line := fmt.Sprintf("%-8s %8.0f/s  p50 %7.2f ms  p99 %7.2f ms", name, rate, ms(o.quantile(0.5)), ms(o.quantile(0.99)))
	b.note(name+"_per_second", rate)
	b.note(name+"_p50_ms", ms(o.quantile(0.5)))
	b.note(name+"_p99_ms", ms(o.quantile(0.99)))
	if len(b.pids) > 0 {
		each := us(c.server) / float64(n)
		line += fmt.Sprintf("  server %7.1f us %4.1f switches", each, float64(c.switches)/float64(n))
		line += fmt.Sprintf("  share %2.0f %%", c.share(c.server))
		b.note(name+"_server_us", each)
		b.note(name+"_switches", float64(c.switches)/float64(n))
	}
	line += fmt.Sprintf("  generator %5.1f us %2.0f %%  n=%d bad=%d %s", us(c.own)/float64(n), c.share(c.own), n, o.bad, more)
	b.note(name+"_bad", float64(o.bad))
	if why := o.firstBad.Load(); why != nil {
		line += " " + why.(string)
	}
	fmt.Println(strings.TrimRight(line, " "))
	return nil
}

// closedLoop keeps `inFlight` requests going until `total` are answered. make fills in the i-th request.
func (b *bench) closedLoop(name string, total, inFlight int, fill func(k *call, i int), more func() string) error {
	o := &outcome{took: make([]time.Duration, total)}
	var next atomic.Int64
	var finished sync.WaitGroup
	var begin func(k *call)
	begin = func(k *call) {
		i := int(next.Add(1)) - 1
		if i >= total {
			finished.Done()
			return
		}
		fill(k, i)
		answered := k.done // what fill wants to do at the end
		k.done = func(k *call) {
			if answered != nil {
				answered(k)
			}
			o.took[i] = time.Since(k.began)
			if k.err != nil {
				o.failed(k.err.Error())
			} else if k.status >= 300 {
				o.failed(fmt.Sprint("status ", k.status))
			}
			begin(k)
		}
		k.conn.start(k)
	}
	m := startMeter(b.pids)
	for w := 0; w < min(inFlight, total); w++ {
		finished.Add(1)
		begin(&call{conn: b.conns[w%len(b.conns)], accept: b.accept})
	}
	for _, c := range b.conns {
		c.flush()
	}
	finished.Wait()
	c := m.stop()
	text := ""
	if more != nil {
		text = more()
	}
	return b.report(name, o, c, text)
}

// ---- writes ----

func (b *bench) item(i int) string { return fmt.Sprintf("%s/kb-%06d", b.collection(), i) }

func (b *bench) object(i int, tag string) []byte {
	text := make([]byte, 0, len(b.payload)+200)
	return fmt.Appendf(text, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kb-%06d","labels":{"app":"kubebench",`+
		`"shard":"s%d"}},"data":{"tag":"%s","payload":"%s"}}`, i, i%10, tag, b.payload)
}

func runWrites(method, ctype, tag string, named bool) func(b *bench, name string) error {
	return func(b *bench, name string) error {
		return b.closedLoop(name, b.n, b.c, func(k *call, i int) {
			k.method, k.path, k.ctype, k.body, k.done = method, b.collection(), ctype, nil, nil
			if named {
				k.path = b.item(i)
			}
			switch name {
			case "create", "update":
				k.body = b.object(i, tag)
			case "apply":
				k.path += "?fieldManager=kb&force=true"
				k.body = b.object(i, tag)
			case "patch":
				k.body = []byte(`{"data":{"tag":"c"}}`)
			}
		}, nil)
	}
}

// ---- reads ----

func runGets(b *bench, name string) error {
	return b.closedLoop(name, min(b.n*4, 200000), b.c, func(k *call, _ int) {
		k.method, k.path, k.done = "GET", b.item(rand.Intn(b.n)), nil
	}, nil)
}

// answerBody is an answer on its way from the connection's goroutine to the one that unpacks it meanwhile, as in Go's client.
type answerBody struct {
	chunks chan []byte
	chunk  []byte
}

func (a *answerBody) Read(p []byte) (int, error) {
	for len(a.chunk) == 0 {
		chunk, ok := <-a.chunks
		if !ok {
			return 0, io.EOF
		}
		a.chunk = chunk
	}
	n := copy(p, a.chunk)
	a.chunk = a.chunk[n:]
	return n, nil
}

// fetch makes one request and reads its answer to the end, unpacked. zip is used again from call to call.
func (b *bench) fetch(c *conn, path string, zip *gzip.Reader, drain func(r io.Reader) (int64, error)) (int64, error) {
	body := &answerBody{chunks: make(chan []byte, 1024)}
	head := make(chan struct{}, 1)
	k := &call{method: "GET", path: path, accept: b.accept}
	k.onHead = func() { head <- struct{}{} }
	k.onData = func(p []byte) { body.chunks <- bytes.Clone(p) }
	k.done = func(k *call) {
		if k.status == 0 {
			head <- struct{}{}
		}
		close(body.chunks)
	}
	c.start(k)
	c.flush()
	<-head
	var r io.Reader = body
	if k.gzip {
		if err := zip.Reset(body); err != nil {
			return 0, err
		}
		r = zip
	}
	n, err := drain(r)
	if err == nil {
		err = k.err
	}
	if err == nil && k.status >= 300 {
		err = fmt.Errorf("status %d", k.status)
	}
	return n, err
}

func discard(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

func runReads(query string, total, inFlight int) func(b *bench, name string) error {
	return func(b *bench, name string) error {
		o := &outcome{took: make([]time.Duration, total)}
		var next, size atomic.Int64
		var finished sync.WaitGroup
		m := startMeter(b.pids)
		for w := 0; w < inFlight; w++ {
			finished.Add(1)
			go func() {
				defer finished.Done()
				zip := new(gzip.Reader)
				for i := next.Add(1) - 1; i < int64(total); i = next.Add(1) - 1 {
					began := time.Now()
					n, err := b.fetch(b.conns[w%len(b.conns)], b.collection()+query, zip, discard)
					o.took[i] = time.Since(began)
					size.Store(n)
					if err != nil {
						o.failed(err.Error())
					}
				}
			}()
		}
		finished.Wait()
		return b.report(name, o, m.stop(), fmt.Sprintf("bytes=%d", size.Load()))
	}
}
