package main

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var _ = register("informers on every resource follow create, update, delete and restarts of the server", informersRestart)
var _ = register("informers on every resource list again when what they missed was compacted", informersCompaction)

// recorder checks what an informer tells its handlers: nothing is missing, nothing goes backwards. (That a watch repeats nothing is
// watchResume's to check.)
type recorder struct {
	name  string
	lock  sync.Mutex
	seen  map[string]uint64
	wrong []string
	news  int
}

func revision(o metav1.Object) uint64 {
	n, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		panic(failure{"resourceVersion " + o.GetResourceVersion()})
	}
	return n
}

func (r *recorder) note(event string, o any, was uint64, wanted bool) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	m, err := meta.Accessor(o)
	if err != nil {
		panic(err)
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	key, now := m.GetNamespace()+"/"+m.GetName(), revision(m)
	last, known := r.seen[key]
	r.news++
	if event == "update" && known && now == last && was == last {
		return // client-go has made a new list, as it does when a watch ended within a second without an event
	}
	if known != wanted || (wanted && event == "update" && (was != last || now <= last)) || (event == "delete" && now < last) {
		r.wrong = append(r.wrong, fmt.Sprintf("%s %s of %s: %d after %d (known %v, last %d)", r.name, event, key, now, was, known, last))
	}
	if event == "delete" {
		delete(r.seen, key)
	} else {
		r.seen[key] = now
	}
}

func (r *recorder) OnAdd(o any, _ bool) { r.note("add", o, 0, false) }
func (r *recorder) OnDelete(o any)      { r.note("delete", o, 0, true) }
func (r *recorder) OnUpdate(old, o any) {
	m, _ := meta.Accessor(old)
	r.note("update", o, revision(m), true)
}

type watched struct {
	kind
	recorder *recorder
	informer cache.SharedIndexInformer
}

// watchAll starts typed (from JSON and from protobuf), dynamic and metadata informers on all kinds.
func watchAll(t *T, config *rest.Config, kinds []kind) []watched {
	client, err := kubernetes.NewForConfig(config)
	t.Must(err, "client")
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	binaryClient, err := kubernetes.NewForConfig(binary)
	t.Must(err, "protobuf client")
	free, err := dynamic.NewForConfig(config)
	t.Must(err, "dynamic client")
	partial, err := metadata.NewForConfig(config)
	t.Must(err, "metadata client")
	typed := informers.NewSharedInformerFactory(client, 0)
	messages := informers.NewSharedInformerFactory(binaryClient, 0)
	dynamics := dynamicinformer.NewDynamicSharedInformerFactory(free, 0)
	metas := metadatainformer.NewSharedInformerFactory(partial, 0)
	var all []watched
	add := func(k kind, how string, informer cache.SharedIndexInformer) {
		r := &recorder{name: how + " " + k.gvr.String(), seen: map[string]uint64{}}
		_, err := informer.AddEventHandler(r)
		t.Must(err, "handler")
		all = append(all, watched{k, r, informer})
	}
	for _, k := range kinds {
		if g, err := typed.ForResource(k.gvr); err == nil {
			add(k, "typed", g.Informer())
			g, err = messages.ForResource(k.gvr)
			t.Must(err, "informer")
			add(k, "protobuf", g.Informer())
		}
		add(k, "dynamic", dynamics.ForResource(k.gvr).Informer())
		add(k, "metadata", metas.ForResource(k.gvr).Informer())
	}
	typed.Start(t.ctx.Done())
	messages.Start(t.ctx.Done())
	dynamics.Start(t.ctx.Done())
	metas.Start(t.ctx.Done())
	for _, w := range all {
		t.True(cache.WaitForCacheSync(t.ctx.Done(), w.informer.HasSynced), "%s does not sync", w.recorder.name)
	}
	return all
}

// same waits until every informer's cache and what its handlers were told equal a fresh list.
func same(t *T, all []watched, when string) {
	wanted := map[string]map[string]uint64{}
	for _, w := range all {
		if wanted[w.gvr.String()] != nil {
			continue
		}
		list, err := t.dynamic.Resource(w.gvr).List(t.ctx, metav1.ListOptions{})
		t.Must(err, when+": list "+w.gvr.String())
		found := map[string]uint64{}
		for i := range list.Items {
			o := &list.Items[i]
			found[o.GetNamespace()+"/"+o.GetName()] = revision(o)
		}
		wanted[w.gvr.String()] = found
	}
	for _, w := range all {
		want := wanted[w.gvr.String()]
		t.Eventually(when+": "+w.recorder.name, func() string {
			w.recorder.lock.Lock()
			told := difference(w.recorder.seen, want)
			w.recorder.lock.Unlock()
			cached := map[string]uint64{}
			for _, o := range w.informer.GetStore().List() {
				m, _ := meta.Accessor(o)
				cached[m.GetNamespace()+"/"+m.GetName()] = revision(m)
			}
			if told == "" {
				told = difference(cached, want)
			}
			return told
		})
		t.True(len(w.recorder.wrong) == 0, "%s: %v", when, w.recorder.wrong)
	}
}

func difference(given, wanted map[string]uint64) string {
	for key, rv := range wanted {
		if given[key] != rv {
			return fmt.Sprintf("%s at %d, not %d", key, given[key], rv)
		}
	}
	for key := range given {
		if _, ok := wanted[key]; !ok {
			return key + " is still there"
		}
	}
	return ""
}

func ownServer(t *T, flags ...string) *server {
	s, err := startServer(flags...)
	t.Must(err, "server")
	t.Close(func() { s.stop(syscall.SIGKILL) })
	t.Use(s.config())
	ensureNamespace(t)
	return s
}

func informersRestart(t *T) {
	s := ownServer(t)
	all := watchAll(t, t.config, allKinds(t))
	objects := createSamples(t)
	same(t, all, "after creates")
	for _, w := range all {
		t.True(w.recorder.news > 0 || !slices.ContainsFunc(objects, func(o object) bool { return o.gvr == w.gvr }), "%s saw nothing", w.recorder.name)
	}
	touch(t, objects, "once")
	same(t, all, "after updates")
	for i, how := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL} {
		t.Must(s.restart(how), "restart")
		touch(t, objects, strconv.Itoa(i))
		same(t, all, fmt.Sprintf("after a restart by %v", how))
	}
	t.Must(s.restart(syscall.SIGTERM), "restart")
	remove(t, objects)
	same(t, all, "after deletes")
}

// compactPast writes until a list at that revision is refused.
func compactPast(t *T, old string) {
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	n := 0
	t.Eventually("compaction", func() string {
		n++
		_, err := maps.Patch(t.ctx, "busy", "application/merge-patch+json", fmt.Appendf(nil, `{"data":{"n":"%d"}}`, n), metav1.PatchOptions{})
		t.Must(err, "patch")
		_, err = maps.List(t.ctx, metav1.ListOptions{ResourceVersion: old, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
		if apierrors.IsResourceExpired(err) {
			return ""
		}
		t.Must(err, "list at "+old)
		return "revision " + old + " is still there"
	})
}

func informersCompaction(t *T) {
	s := ownServer(t, "--history-seconds", "1")
	r, err := newRelay(s.port)
	t.Must(err, "relay")
	t.Close(func() { r.listener.Close() })
	busy(t)
	all := watchAll(t, s.configAt(r.port()), allKinds(t))
	objects := createSamples(t)
	same(t, all, "after creates")
	r.setShut(true)
	before := touchOne(t)
	half := len(objects) / 2
	touch(t, objects[:half], "unseen")
	remove(t, objects[half:])
	compactPast(t, before)
	t.Must(s.restart(syscall.SIGTERM), "restart") // what it remembers of recent events would do otherwise
	r.setShut(false)
	same(t, all, "after compaction")
	touch(t, objects[:half], "seen")
	same(t, all, "after more updates")
}
