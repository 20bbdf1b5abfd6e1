// bench measures an API server from outside: what a client sees, and what the server's processes spend on it.
//
//	bench                               a cluster of its own, from the programs in COXSWAIN_BIN
//	bench -kubeconfig F [-pid N,N]      any server; -pid: its processes, to tell their CPU time and memory
//	bench -run create,get -n 10000 -c 32 -conns 4
//
// Every run is one line: rate, latency, server CPU and context switches for one operation, and which share of the machine
// server and generator took. A generator that takes as much as the server is the ceiling, not the server. -json writes the same
// figures as one object of numbers.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const allRuns = "start,idle,create,get,update,patch,list,page,memory,watch,delete"

type options struct {
	kubeconfig, run, namespace, accept, jsonFile, pids string
	n, c, conns, size, watchers, events, rate, starts  int
	idle                                               int
	plain                                              bool
}

func parseOptions() *options {
	o := &options{}
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of the server; without it a cluster is started from COXSWAIN_BIN")
	flag.StringVar(&o.run, "run", allRuns, "what to run, in this order; also apply, list4, selector")
	flag.StringVar(&o.pids, "pid", "", "processes of a server that was not started here")
	flag.StringVar(&o.namespace, "ns", "default", "namespace")
	flag.StringVar(&o.accept, "accept", "application/json", "Accept header")
	flag.BoolVar(&o.plain, "plain", false, "do not ask for compressed answers, as Go's client does")
	flag.StringVar(&o.jsonFile, "json", "", "file to write the figures to")
	flag.IntVar(&o.n, "n", 10000, "objects")
	flag.IntVar(&o.c, "c", 32, "requests in flight")
	flag.IntVar(&o.conns, "conns", 4, "connections")
	flag.IntVar(&o.size, "size", 1000, "bytes of data in an object, at most 60000")
	flag.IntVar(&o.watchers, "watchers", 1000, "watchers")
	flag.IntVar(&o.events, "events", 200, "events to the watchers")
	flag.IntVar(&o.rate, "rate", 50, "events a second")
	flag.IntVar(&o.starts, "starts", 5, "cold starts")
	flag.IntVar(&o.idle, "idle", 12, "seconds of rest before memory is looked at a second time")
	flag.Parse()
	if flag.NArg() > 0 || o.n < 1 || o.c < 1 || o.conns < 1 || o.size < 0 || o.size > 60000 || o.starts < 1 {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

// bench is what the runs share.
type bench struct {
	*options
	cluster *cluster // nil: somebody else's server
	target  *target
	pids    []int
	conns   []*conn
	payload string // what an object holds, JSON without the quotes
	figures map[string]float64
}

func (b *bench) note(name string, value float64) { b.figures[name] = value }

func (b *bench) collection() string { return "/api/v1/namespaces/" + b.namespace + "/configmaps" }

func (b *bench) dial() (*conn, error) {
	c, err := dial(b.target)
	if err == nil {
		c.plain = b.plain
	}
	return c, err
}

// connect (re)opens the connections: the server may have been started anew.
func (b *bench) connect() error {
	for _, c := range b.conns {
		c.close()
	}
	b.conns = nil
	for len(b.conns) < b.options.conns {
		c, err := b.dial()
		if err != nil {
			return err
		}
		b.conns = append(b.conns, c)
	}
	return nil
}

func (b *bench) open() error {
	if b.kubeconfig == "" {
		cluster, err := newCluster(os.Getenv("COXSWAIN_BIN"))
		if err != nil {
			return err
		}
		b.cluster, b.kubeconfig = cluster, cluster.kubeconfig
		if _, err := cluster.up(); err != nil {
			return err
		}
		b.pids = cluster.pids()
	}
	for _, word := range strings.FieldsFunc(b.options.pids, func(r rune) bool { return r == ',' || r == ' ' }) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		b.pids = append(b.pids, pid)
	}
	target, err := readTarget(b.kubeconfig)
	if err != nil {
		return err
	}
	b.target = target
	return b.connect()
}

func (b *bench) runAll() error {
	if err := b.open(); err != nil {
		return err
	}
	for _, name := range strings.Split(b.run, ",") {
		run, ok := runs[name]
		if !ok {
			return fmt.Errorf("there is no run %q", name)
		}
		if err := run(b, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) writeFigures() error {
	if b.jsonFile == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.jsonFile, append(text, '\n'), 0o644)
}

func main() {
	b := &bench{options: parseOptions(), figures: map[string]float64{}}
	b.payload = strings.Repeat("x", b.size)
	err := b.runAll()
	if b.cluster != nil {
		b.cluster.remove()
	}
	if err == nil {
		err = b.writeFigures()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
