package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

var _ = register("a watch resumes over restarts without missing or repeating an event", watchResume)
var _ = register("a watch from a compacted revision gets 410, and so does a page of a compacted list", watchCompacted)
var _ = register("sendInitialEvents: what is there, then a bookmark, then what happens", watchList)
var _ = register("a watch ends by timeoutSeconds and sends bookmarks on the way", watchTimeout)

func ensureNamespace(t *T) {
	_, err := t.client.CoreV1().Namespaces().Create(t.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		t.Must(err, "namespace")
	}
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"test": "yes"}}}
}

func busy(t *T) {
	_, err := t.client.CoreV1().ConfigMaps(t.ns).Create(t.ctx, configMap("busy"), metav1.CreateOptions{})
	t.Must(err, "create")
}

// touchOne makes a write and gives its revision.
func touchOne(t *T) string {
	o, err := t.client.CoreV1().ConfigMaps(t.ns).Patch(t.ctx, "busy", "application/merge-patch+json", []byte(`{"data":{"touched":"yes"}}`), metav1.PatchOptions{})
	t.Must(err, "patch")
	return o.ResourceVersion
}

type happened struct {
	event watch.EventType
	name  string
	rv    uint64
}

// writer goes through the life of configmaps, one after the other, and notes what was acknowledged. A write that the server did not
// answer may have happened or not: its object is left alone from then on.
type writer struct {
	client  kubernetes.Interface
	ns      string
	done    []happened // deletes have no revision of their own in the answer
	unclear map[string]bool
}

func (w *writer) life(ctx context.Context, name string, updates int) {
	maps := w.client.CoreV1().ConfigMaps(w.ns)
	o, err := maps.Create(ctx, configMap(name), metav1.CreateOptions{})
	if err != nil {
		w.unclear[name] = true
		return
	}
	w.done = append(w.done, happened{watch.Added, name, revision(o)})
	for i := range updates {
		o.Data = map[string]string{"n": fmt.Sprint(i)}
		next, err := maps.Update(ctx, o, metav1.UpdateOptions{})
		if err != nil {
			w.unclear[name] = true
			return
		}
		o = next
		w.done = append(w.done, happened{watch.Modified, name, revision(o)})
	}
	if err := maps.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		w.unclear[name] = true
		return
	}
	w.done = append(w.done, happened{watch.Deleted, name, 0})
}

// collect reads a watch until the object called "end" comes.
func collect(t *T, events <-chan watch.Event) []happened {
	var all []happened
	late := time.After(patience)
	for {
		select {
		case e, more := <-events:
			t.True(more, "the watch ended")
			o, ok := e.Object.(*corev1.ConfigMap)
			t.True(ok, "%s: %v", e.Type, e.Object)
			if e.Type == watch.Bookmark {
				continue
			}
			if o.Name == "end" {
				return all
			}
			all = append(all, happened{e.Type, o.Name, revision(o)})
		case <-late:
			t.Fail("the last event did not come; %d came", len(all))
		}
	}
}

// checkEvents: in order, each once, and for each object just what was acknowledged.
func checkEvents(t *T, seen []happened, writers []*writer) {
	last := uint64(0)
	byName := map[string][]happened{}
	for _, h := range seen {
		t.True(h.rv > last, "%v came after revision %d", h, last)
		last = h.rv
		byName[h.name] = append(byName[h.name], h)
	}
	acknowledged := 0
	for _, w := range writers {
		wanted := map[string][]happened{}
		for _, h := range w.done {
			wanted[h.name] = append(wanted[h.name], h)
			acknowledged++
		}
		for name, want := range wanted {
			given := byName[name]
			t.True(len(given) == len(want) || (w.unclear[name] && len(given) == len(want)+1), "%s: acknowledged %v, seen %v", name, want, given)
			for i := range want {
				t.True(given[i].event == want[i].event && (want[i].rv == 0 || want[i].rv == given[i].rv), "%s: acknowledged %v, seen %v", name, want, given)
			}
		}
	}
	t.True(acknowledged > 300, "only %d writes were acknowledged", acknowledged)
}

func watchResume(t *T) {
	s := ownServer(t)
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	list, err := maps.List(t.ctx, metav1.ListOptions{})
	t.Must(err, "list")
	w, err := watchtools.NewRetryWatcherWithContext(t.ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return maps.Watch(ctx, o) },
	})
	t.Must(err, "watch")
	t.Close(w.Stop)
	ctx, cancel := context.WithCancel(t.ctx)
	var wait sync.WaitGroup
	writers := make([]*writer, 4)
	for i := range writers {
		wr := &writer{client: t.client, ns: t.ns, unclear: map[string]bool{}}
		writers[i] = wr
		wait.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				wr.life(ctx, fmt.Sprintf("m-%d-%d", i, n), 3)
			}
		})
	}
	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		waitForWrites(t, 150)
		t.Must(s.restart(how), "restart")
	}
	waitForWrites(t, 150)
	cancel()
	wait.Wait()
	_, err = maps.Create(t.ctx, configMap("end"), metav1.CreateOptions{})
	t.Must(err, "create")
	checkEvents(t, collect(t, w.ResultChan()), writers)
}

// waitForWrites returns when the store has gone n revisions on.
func waitForWrites(t *T, n uint64) {
	from := uint64(0)
	t.Eventually("writes", func() string {
		list, err := t.client.CoreV1().ConfigMaps(t.ns).List(t.ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return err.Error()
		}
		now := revisionOf(list.ResourceVersion)
		if from == 0 {
			from = now
		}
		if now >= from+n {
			return ""
		}
		return fmt.Sprintf("%d of %d", now-from, n)
	})
}

func watchCompacted(t *T) {
	s := ownServer(t, "--history-seconds", "1")
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	busy(t)
	old := touchOne(t)
	for i := range 4 {
		_, err := maps.Create(t.ctx, configMap(fmt.Sprintf("page-%d", i)), metav1.CreateOptions{})
		t.Must(err, "create")
	}
	page, err := maps.List(t.ctx, metav1.ListOptions{Limit: 2})
	t.Must(err, "first page")
	compactPast(t, page.ResourceVersion)
	t.Must(s.restart(syscall.SIGTERM), "restart") // what it remembers of recent events would do for the watch otherwise
	w, err := maps.Watch(t.ctx, metav1.ListOptions{ResourceVersion: old})
	if err == nil {
		e := <-w.ResultChan()
		t.Equal(e.Type, watch.Error, "first event")
		err = apierrors.FromObject(e.Object)
		_, more := <-w.ResultChan()
		t.True(!more, "the watch goes on after the error")
	}
	t.True(apierrors.IsResourceExpired(err) || apierrors.IsGone(err), "watch: %v", err)
	_, err = maps.List(t.ctx, metav1.ListOptions{Limit: 2, Continue: page.Continue})
	t.True(apierrors.IsResourceExpired(err), "second page: %v", err)
	// The error carries a token that goes on at the latest revision.
	again := err.(apierrors.APIStatus).Status().ListMeta.Continue
	t.True(again != "", "no token to go on with")
	rest, err := maps.List(t.ctx, metav1.ListOptions{Continue: again})
	t.Must(err, "going on")
	t.Equal(len(page.Items)+len(rest.Items), 5, "objects in all")
}

func watchList(t *T) {
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	yes := true
	options := metav1.ListOptions{SendInitialEvents: &yes, AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, LabelSelector: "test=yes"}
	for _, count := range []int{0, 300} {
		for i := range count {
			_, err := maps.Create(t.ctx, configMap(fmt.Sprintf("m-%03d", i)), metav1.CreateOptions{})
			t.Must(err, "create")
		}
		w, err := maps.Watch(t.ctx, options)
		t.Must(err, "watch")
		seen := map[string]bool{}
		var marked uint64
		for e := range w.ResultChan() {
			o, ok := e.Object.(*corev1.ConfigMap)
			t.True(ok, "%s: %v", e.Type, e.Object)
			if e.Type == watch.Bookmark {
				t.Equal(o.Annotations[metav1.InitialEventsAnnotationKey], "true", "annotation of the bookmark")
				marked = revision(o)
				break
			}
			t.Equal(e.Type, watch.Added, "type")
			t.True(!seen[o.Name], "%s came twice", o.Name)
			seen[o.Name] = true
		}
		t.Equal(len(seen), count, "objects before the bookmark")
		o, err := maps.Create(t.ctx, configMap(fmt.Sprintf("later-%d", count)), metav1.CreateOptions{})
		t.Must(err, "create")
		e := <-w.ResultChan()
		t.Equal(e.Type, watch.Added, "then")
		t.Equal(e.Object.(*corev1.ConfigMap).ResourceVersion, o.ResourceVersion, "then")
		t.True(revision(o) > marked, "bookmark at %d, next event at %d", marked, revision(o))
		w.Stop()
		t.Must(maps.Delete(t.ctx, o.Name, metav1.DeleteOptions{}), "delete")
	}
	_, err := maps.Watch(t.ctx, metav1.ListOptions{SendInitialEvents: &yes, AllowWatchBookmarks: true})
	t.True(apierrors.IsInvalid(err), "sendInitialEvents without resourceVersionMatch: %v", err)
}

func watchTimeout(t *T) {
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	four := int64(4)
	started := time.Now()
	list, err := maps.List(t.ctx, metav1.ListOptions{})
	t.Must(err, "list")
	w, err := maps.Watch(t.ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, AllowWatchBookmarks: true, TimeoutSeconds: &four})
	t.Must(err, "watch")
	marks := 0
	for e := range w.ResultChan() {
		t.Equal(e.Type, watch.Bookmark, "type")
		marks++
	}
	took := time.Since(started)
	t.True(took > 3900*time.Millisecond && took < 20*time.Second, "ended after %v", took)
	t.True(marks > 0, "no bookmark before the end")
}
