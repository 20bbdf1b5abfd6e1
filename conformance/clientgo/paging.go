package main

import (
	"context"
	"fmt"
	"math/rand"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

var _ = register("10,000 objects that change while they are paged through are a snapshot", paging)

const paged = 10000

func revisionOf(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(failure{"resourceVersion " + text})
	}
	return n
}

func fill(t *T) {
	var wait sync.WaitGroup
	wrong := make(chan error, 1)
	for worker := range 16 {
		wait.Go(func() {
			for i := worker; i < paged; i += 16 {
				o := configMap(fmt.Sprintf("m-%05d", i))
				if _, err := t.client.CoreV1().ConfigMaps(t.ns).Create(t.ctx, o, metav1.CreateOptions{}); err != nil {
					select {
					case wrong <- err:
					default:
					}
					return
				}
			}
		})
	}
	wait.Wait()
	select {
	case err := <-wrong:
		t.Must(err, "create")
	default:
	}
}

// churn updates, deletes and creates until the context ends.
func churn(ctx context.Context, t *T, seed int64) {
	random := rand.New(rand.NewSource(seed))
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("m-%05d", random.Intn(paged))
		switch n % 4 {
		case 0:
			maps.Delete(ctx, name, metav1.DeleteOptions{})
		case 1:
			maps.Create(ctx, configMap(name+"-new"), metav1.CreateOptions{})
		default:
			maps.Patch(ctx, name, "application/merge-patch+json", fmt.Appendf(nil, `{"data":{"n":"%d-%d"}}`, seed, n), metav1.PatchOptions{})
		}
	}
}

// pages reads all pages of one list; each must tell the same revision.
func pages(t *T, limit int64) (map[string]uint64, uint64) {
	found := map[string]uint64{}
	options := metav1.ListOptions{Limit: limit}
	var at string
	for n := 0; ; n++ {
		page, err := t.client.CoreV1().ConfigMaps(t.ns).List(t.ctx, options)
		t.Must(err, fmt.Sprintf("page %d", n))
		if n == 0 {
			at = page.ResourceVersion
		}
		t.Equal(page.ResourceVersion, at, fmt.Sprintf("revision of page %d", n))
		last := ""
		for i := range page.Items {
			o := &page.Items[i]
			t.True(o.Name > last, "%s comes after %s", o.Name, last)
			last = o.Name
			_, twice := found[o.Name]
			t.True(!twice, "%s is on two pages", o.Name)
			found[o.Name] = revision(o)
		}
		if page.Continue == "" {
			t.True(page.RemainingItemCount == nil, "a last page with remaining items")
			return found, revisionOf(at)
		}
		t.Equal(len(page.Items), int(limit), "items of a page that is not the last")
		t.True(page.RemainingItemCount != nil && *page.RemainingItemCount > 0, "no remainingItemCount on page %d", n)
		options.Continue = page.Continue
	}
}

// follow applies events until one past the revision.
func follow(t *T, state map[string]uint64, events <-chan watch.Event, until uint64, pending **watch.Event) {
	for {
		if *pending == nil {
			e, more := <-events
			t.True(more, "the watch ended")
			*pending = &e
		}
		o, ok := (*pending).Object.(*corev1.ConfigMap)
		t.True(ok, "%s: %v", (*pending).Type, (*pending).Object)
		if revision(o) > until {
			return
		}
		switch (*pending).Type {
		case watch.Deleted:
			delete(state, o.Name)
		case watch.Added, watch.Modified:
			state[o.Name] = revision(o)
		}
		*pending = nil
	}
}

func paging(t *T) {
	fill(t)
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	list, err := maps.List(t.ctx, metav1.ListOptions{})
	t.Must(err, "list")
	state := map[string]uint64{}
	for i := range list.Items {
		state[list.Items[i].Name] = revision(&list.Items[i])
	}
	t.True(len(state) >= paged, "%d objects", len(state))
	w, err := maps.Watch(t.ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	t.Must(err, "watch")
	t.Close(w.Stop)
	ctx, cancel := context.WithCancel(t.ctx)
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() { churn(ctx, t, int64(i)) })
	}
	var pending *watch.Event
	for _, limit := range []int64{500, 37, 5000} {
		waitForWrites(t, 20)
		found, at := pages(t, limit)
		waitForWrites(t, 2)
		follow(t, state, w.ResultChan(), at, &pending)
		t.Equal(difference(found, state), "", fmt.Sprintf("pages of %d at revision %d", limit, at))
		whole, err := maps.List(t.ctx, metav1.ListOptions{ResourceVersion: fmt.Sprint(at), ResourceVersionMatch: metav1.ResourceVersionMatchExact})
		t.Must(err, "whole list at a past revision")
		again := map[string]uint64{}
		for i := range whole.Items {
			again[whole.Items[i].Name] = revision(&whole.Items[i])
		}
		t.Equal(difference(again, state), "", "whole list at a past revision")
	}
	cancel()
	wait.Wait()
}
