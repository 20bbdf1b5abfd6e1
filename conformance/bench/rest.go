package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// Runs that look at the server's start and at its memory.

// firstList is a new connection and the list of namespaces, as a first kubectl would ask for it.
func (b *bench) firstList() error {
	target, err := readTarget(b.kubeconfig)
	if err != nil {
		return err
	}
	b.target = target
	c, err := dial(target)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = b.fetch(c, "/api/v1/namespaces", new(gzip.Reader), func(r io.Reader) (int64, error) {
		text, err := io.ReadAll(r)
		if err == nil && !strings.Contains(string(text), `"kube-system"`) {
			err = fmt.Errorf("the list of namespaces has no kube-system")
		}
		return int64(len(text)), err
	})
	return err
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// runStart stops and starts the cluster on its existing folder: the time to `coxswain up`'s return, which is readiness, and from
// the same moment to the end of the first list of namespaces.
func runStart(b *bench, name string) error {
	if b.cluster == nil {
		fmt.Println("start    only for a cluster that is started here")
		return nil
	}
	var ready, lists []float64
	for i := 0; i < b.starts; i++ {
		if err := b.cluster.down(); err != nil {
			return err
		}
		began := time.Now()
		up, err := b.cluster.up()
		if err != nil {
			return err
		}
		if err := b.firstList(); err != nil {
			return err
		}
		lists = append(lists, ms(time.Since(began)))
		ready = append(ready, ms(up))
	}
	b.pids = b.cluster.pids()
	b.note("ready_ms", median(ready))
	b.note("first_list_ms", median(lists))
	fmt.Printf("start    ready %.1f ms  first list of namespaces %.1f ms (median of %d; %.1f to %.1f)\n", median(ready), median(lists),
		b.starts, lists[0], lists[len(lists)-1])
	return b.connect()
}

func (b *bench) sayMemory(name, when string) {
	resident, anonymous := memoryOf(b.pids)
	mib := func(kib int64) float64 { return float64(kib) / 1024 }
	line := fmt.Sprintf("%-8s resident %6.1f MB  anonymous %6.1f MB  %s", name, mib(resident), mib(anonymous), when)
	key := name
	if when != "" {
		key += "_" + strings.ReplaceAll(when, " ", "_")
	}
	b.note(key+"_resident_mb", mib(resident))
	b.note(key+"_anonymous_mb", mib(anonymous))
	if b.cluster != nil && len(b.pids) > 0 {
		launcher, _ := memoryOf([]int{parentOf(b.pids[0])})
		line += fmt.Sprintf("  launcher %.1f MB", mib(launcher))
	}
	fmt.Println(line)
}

func runIdle(b *bench, name string) error {
	if len(b.pids) == 0 {
		fmt.Println("idle     no process to look at: give -pid")
		return nil
	}
	time.Sleep(time.Second)
	b.sayMemory(name, "")
	return nil
}

func runMemory(b *bench, name string) error {
	if len(b.pids) == 0 {
		fmt.Println("memory   no process to look at: give -pid")
		return nil
	}
	b.sayMemory(name, "at once")
	time.Sleep(time.Duration(b.idle) * time.Second)
	b.sayMemory(name, "rested")
	return nil
}
