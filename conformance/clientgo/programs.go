package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

var _ = register("leader election: one of two leads, hands over, and is replaced when it dies", election)
var _ = register("event recorders: v1 counts, events.k8s.io makes series, each sees the other's", recorders)

type candidate struct {
	leading atomic.Bool
	ended   chan struct{}
	cancel  context.CancelFunc
}

// stand puts up a candidate; `releases` says whether it gives the lease back when it ends.
func stand(t *T, name string, releases bool, atOnce *atomic.Int32, most *atomic.Int32) *candidate {
	c := &candidate{ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.ctx)
	c.cancel = cancel
	l, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: "lock", Namespace: t.ns}, Client: t.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name}},
		LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond, ReleaseOnCancel: releases,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				c.leading.Store(true)
				if n := atOnce.Add(1); n > most.Load() {
					most.Store(n)
				}
				<-ctx.Done()
				atOnce.Add(-1)
			},
			OnStoppedLeading: func() { c.leading.Store(false) },
		},
	})
	t.Must(err, "candidate")
	go func() {
		l.Run(ctx)
		close(c.ended)
	}()
	return c
}

func election(t *T) {
	var atOnce, most atomic.Int32
	holder := func() string {
		lease, err := t.client.CoordinationV1().Leases(t.ns).Get(t.ctx, "lock", metav1.GetOptions{})
		t.Must(err, "lease")
		return *lease.Spec.HolderIdentity
	}
	leads := func(c *candidate, name string) {
		t.Eventually(name+" leads", func() string {
			if c.leading.Load() {
				return ""
			}
			return "not yet"
		})
		t.Equal(holder(), name, "holder")
	}
	a := stand(t, "a", true, &atOnce, &most)
	leads(a, "a")
	b := stand(t, "b", false, &atOnce, &most)
	a.cancel()
	<-a.ended
	leads(b, "b")
	c := stand(t, "c", true, &atOnce, &most)
	b.cancel() // without giving the lease back
	<-b.ended
	t.Equal(holder(), "b", "holder after b has died")
	leads(c, "c")
	c.cancel()
	<-c.ended
	t.Equal(most.Load(), int32(1), "leaders at once")
	lease, err := t.client.CoordinationV1().Leases(t.ns).Get(t.ctx, "lock", metav1.GetOptions{})
	t.Must(err, "lease")
	t.Equal(*lease.Spec.LeaseTransitions, int32(2), "transitions")
}

func recorders(t *T) {
	subject := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Name: "subject", Namespace: t.ns, UID: "1-2-3"}}
	old := record.NewBroadcaster()
	t.Close(old.Shutdown)
	old.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: t.client.CoreV1().Events("")})
	legacy := old.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "tester", Host: "here"})
	for range 3 {
		legacy.Event(subject, corev1.EventTypeWarning, "Repeated", "the same thing again")
	}
	legacy.Eventf(subject, corev1.EventTypeNormal, "Once", "number %d", 7)
	t.Eventually("events of v1", func() string {
		list, err := t.client.CoreV1().Events(t.ns).List(t.ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=subject,reason=Repeated,type=Warning"})
		t.Must(err, "list")
		if len(list.Items) != 1 || list.Items[0].Count != 3 {
			return fmt.Sprintf("%d events", len(list.Items))
		}
		e := list.Items[0]
		t.True(e.Source.Component == "tester" && e.Message == "the same thing again" && !e.LastTimestamp.IsZero(), "event %+v", e)
		return ""
	})
	fresh := events.NewBroadcaster(&events.EventSinkImpl{Interface: t.client.EventsV1()})
	t.Must(fresh.StartRecordingToSinkWithContext(t.ctx), "recording")
	t.Close(fresh.Shutdown)
	recorder := fresh.NewRecorder(scheme.Scheme, "example.com/tester")
	for range 4 {
		recorder.Eventf(subject, nil, corev1.EventTypeNormal, "Series", "Testing", "one of many")
	}
	t.Eventually("events of events.k8s.io", func() string {
		list, err := t.client.EventsV1().Events(t.ns).List(t.ctx, metav1.ListOptions{FieldSelector: "reason=Series,regarding.name=subject"})
		t.Must(err, "list")
		if len(list.Items) != 1 || list.Items[0].Series == nil || list.Items[0].Series.Count < 2 {
			return fmt.Sprintf("%+v", list.Items)
		}
		t.True(list.Items[0].ReportingController == "example.com/tester" && list.Items[0].Action == "Testing", "event %+v", list.Items[0])
		return ""
	})
	asNew, err := t.client.EventsV1().Events(t.ns).List(t.ctx, metav1.ListOptions{FieldSelector: "reason=Once"})
	t.Must(err, "list")
	t.True(len(asNew.Items) == 1 && asNew.Items[0].Note == "number 7" && asNew.Items[0].DeprecatedSource.Component == "tester", "a v1 event read by events.k8s.io: %+v", asNew.Items)
	asOld, err := t.client.CoreV1().Events(t.ns).List(t.ctx, metav1.ListOptions{FieldSelector: "reason=Series"})
	t.Must(err, "list")
	t.True(len(asOld.Items) == 1 && asOld.Items[0].Message == "one of many" && asOld.Items[0].InvolvedObject.Name == "subject", "an event of events.k8s.io read by v1: %+v", asOld.Items)
}
