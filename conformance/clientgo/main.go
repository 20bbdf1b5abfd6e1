// Command clientgo tries client-go against clusters of its own: informers, watches, discovery, paging and what else programs lean on.
//
// A scenario is a function with one argument, a *T. It has a namespace of its own on the cluster that all share, or starts a server of
// its own, so scenarios run side by side. It fails by T.Fail, which ends it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

const patience = 40 * time.Second

type scenario struct {
	claim string
	run   func(t *T)
}

var scenarios []scenario

func register(claim string, run func(t *T)) bool {
	scenarios = append(scenarios, scenario{claim, run})
	return true
}

// T is one running scenario.
type T struct {
	ctx     context.Context
	ns      string
	unique  int
	config  *rest.Config
	client  kubernetes.Interface
	dynamic dynamic.Interface
	closers []func()
}

type failure struct{ text string }

// Fail ends the scenario.
func (t *T) Fail(format string, args ...any) {
	panic(failure{fmt.Sprintf(format, args...)})
}

func (t *T) Must(err error, what string) {
	if err != nil {
		t.Fail("%s: %v", what, err)
	}
}

func (t *T) Equal(given, wanted any, what string) {
	if !reflect.DeepEqual(given, wanted) {
		t.Fail("%s: wanted %v, given %v", what, wanted, given)
	}
}

func (t *T) True(holds bool, format string, args ...any) {
	if !holds {
		t.Fail(format, args...)
	}
}

// Eventually asks until the answer is "", which is why it does not hold yet.
func (t *T) Eventually(what string, ask func() string) {
	end := time.Now().Add(patience)
	for {
		why := ask()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			t.Fail("%s: not after %v: %s", what, patience, why)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Close is called at the end of the scenario, last first.
func (t *T) Close(f func()) { t.closers = append(t.closers, f) }

// Use makes t speak to a server.
func (t *T) Use(config *rest.Config) {
	var err error
	t.config = config
	t.client, err = kubernetes.NewForConfig(config)
	t.Must(err, "client")
	t.dynamic, err = dynamic.NewForConfig(config)
	t.Must(err, "dynamic client")
}

func (t *T) runOne(s scenario) (failed string) {
	ctx, cancel := context.WithCancel(context.Background())
	t.ctx = ctx
	defer func() {
		if r := recover(); r != nil {
			f, ours := r.(failure)
			if !ours {
				f.text = fmt.Sprintf("%v\n%s", r, debug.Stack())
			}
			failed = f.text
		}
		cancel()
		for i := len(t.closers) - 1; i >= 0; i-- {
			t.closers[i]()
		}
	}()
	_, err := t.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, metav1.CreateOptions{})
	t.Must(err, "namespace")
	s.run(t)
	return ""
}

func chosen(s scenario, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s.claim, w) {
			return false
		}
	}
	return true
}

func runAll(shared *rest.Config, words []string) (passed, failed int) {
	var wait sync.WaitGroup
	var lock sync.Mutex
	for i, s := range scenarios {
		if !chosen(s, words) {
			continue
		}
		wait.Go(func() {
			started := time.Now()
			t := &T{ns: fmt.Sprintf("s-%d", i), unique: i}
			t.Use(shared)
			why := t.runOne(s)
			lock.Lock()
			defer lock.Unlock()
			if why == "" {
				passed++
				fmt.Printf("ok %d - %s (%.1f s)\n", passed+failed, s.claim, time.Since(started).Seconds())
				return
			}
			failed++
			fmt.Printf("not ok %d - %s (%.1f s)\n", passed+failed, s.claim, time.Since(started).Seconds())
			fmt.Printf("#   %s\n", strings.ReplaceAll(why, "\n", "\n#   "))
		})
	}
	wait.Wait()
	return passed, failed
}

// Restarts are part of the plan: what client-go logs about them is not.
func quiet() {
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
	utilruntime.ErrorHandlers = nil
}

func main() {
	quiet()
	folder, err := os.MkdirTemp("", "coxswain-clientgo-")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	end := func(code int) {
		stopAll()
		os.RemoveAll(folder)
		os.Exit(code)
	}
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-ending
		end(143)
	}()
	temporary = folder
	server, err := startServer()
	if err != nil {
		fmt.Printf("not ok 1 - a server starts\n#   %v\n", err)
		end(1)
	}
	passed, failed := runAll(server.config(), os.Args[1:])
	fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, failed)
	if failed > 0 || passed == 0 {
		end(1)
	}
	end(0)
}
