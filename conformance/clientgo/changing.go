package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"
)

var _ = register("retry on conflict: every increment of many writers counts", conflicts)
var _ = register("patches: JSON, merge and strategic, with their refusals", patches)
var _ = register("label and field selectors choose, in lists, watches and deletecollection", selectors)
var _ = register("the dynamic client creates, reads, changes and deletes", dynamicClient)
var _ = register("status, scale, binding and eviction are subresources of their own", subresources)
var _ = register("preconditions, dry runs, propagation and finalizers hold", deletions)
var _ = register("the pager reads every object once", pagerReads)

func conflicts(t *T) {
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	busy(t)
	backoff := wait.Backoff{Steps: 10000, Duration: time.Millisecond, Factor: 1, Jitter: 2}
	var group sync.WaitGroup
	wrong := make([]error, 8)
	for worker := range wrong {
		group.Go(func() {
			for range 25 {
				err := retry.RetryOnConflict(backoff, func() error {
					o, err := maps.Get(t.ctx, "busy", metav1.GetOptions{})
					if err != nil {
						return err
					}
					n := 0
					fmt.Sscan(o.Data["count"], &n)
					o.Data = map[string]string{"count": fmt.Sprint(n + 1)}
					_, err = maps.Update(t.ctx, o, metav1.UpdateOptions{})
					return err
				})
				if err != nil {
					wrong[worker] = err
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range wrong {
		t.Must(err, "increment")
	}
	o, err := maps.Get(t.ctx, "busy", metav1.GetOptions{})
	t.Must(err, "get")
	t.Equal(o.Data["count"], "200", "increments")
	o.ResourceVersion = "1"
	_, err = maps.Update(t.ctx, o, metav1.UpdateOptions{})
	t.True(apierrors.IsConflict(err), "update of an old revision: %v", err)
}

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "registry.example/a:1"}, {Name: "b", Image: "registry.example/b:1"}}},
			},
		},
	}
}

func patches(t *T) {
	apps := t.client.AppsV1().Deployments(t.ns)
	_, err := apps.Create(t.ctx, deployment("web"), metav1.CreateOptions{})
	t.Must(err, "create")
	o, err := apps.Patch(t.ctx, "web", types.StrategicMergePatchType, []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"registry.example/b:2"}]}}}}`), metav1.PatchOptions{})
	t.Must(err, "strategic patch")
	images := func(d *appsv1.Deployment) (all []string) {
		for _, c := range d.Spec.Template.Spec.Containers {
			all = append(all, c.Image)
		}
		return all
	}
	t.Equal(images(o), []string{"registry.example/a:1", "registry.example/b:2"}, "strategic patch merges containers by name")
	t.Equal(o.Generation, int64(2), "generation")
	o, err = apps.Patch(t.ctx, "web", types.JSONPatchType, []byte(`[{"op":"test","path":"/spec/replicas","value":1},{"op":"replace","path":"/spec/replicas","value":3},{"op":"remove","path":"/spec/template/spec/containers/0"}]`), metav1.PatchOptions{})
	t.Must(err, "JSON patch")
	t.Equal(*o.Spec.Replicas, int32(3), "replicas")
	t.Equal(images(o), []string{"registry.example/b:2"}, "JSON patch removes a container")
	o, err = apps.Patch(t.ctx, "web", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}},"spec":{"replicas":null}}`), metav1.PatchOptions{})
	t.Must(err, "merge patch")
	t.Equal(*o.Spec.Replicas, int32(1), "replicas by default again")
	_, err = apps.Patch(t.ctx, "web", types.JSONPatchType, []byte(`[{"op":"test","path":"/spec/replicas","value":7}]`), metav1.PatchOptions{})
	t.True(apierrors.IsInvalid(err), "a test that fails: %v", err)
	_, err = apps.Patch(t.ctx, "web", types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"resourceVersion":"1"},"spec":{"replicas":2}}`), metav1.PatchOptions{})
	t.True(apierrors.IsConflict(err), "patch with an old revision: %v", err)
	_, err = apps.Patch(t.ctx, "web", types.MergePatchType, []byte(`{"spec":{"selector":{"matchLabels":{"app":"other"}}}}`), metav1.PatchOptions{})
	t.True(apierrors.IsInvalid(err), "patch of what cannot change: %v", err)
	_, err = apps.Patch(t.ctx, "none", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
	t.True(apierrors.IsNotFound(err), "patch of nothing: %v", err)
	_, err = apps.Patch(t.ctx, "web", types.MergePatchType, []byte(`{"spec":{"nonsense":1}}`), metav1.PatchOptions{FieldValidation: "Strict"})
	t.True(apierrors.IsBadRequest(err) || apierrors.IsInvalid(err), "strict patch of an unknown field: %v", err)
}

func selectors(t *T) {
	pods := t.client.CoreV1().Pods(t.ns)
	for i := range 9 {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("p-%d", i), Labels: map[string]string{"third": fmt.Sprint(i % 3), "n": fmt.Sprint(i)}},
			Spec:       corev1.PodSpec{NodeName: fmt.Sprintf("node-%d", i%2), Containers: []corev1.Container{{Name: "a", Image: "registry.example/a:1"}}},
		}
		_, err := pods.Create(t.ctx, pod, metav1.CreateOptions{})
		t.Must(err, "create")
	}
	for _, row := range []struct {
		labels, fields string
		wanted         int
	}{{"third=1", "", 3}, {"third!=1", "", 6}, {"third in (0,1)", "", 6}, {"third notin (0,1),n", "", 3}, {"!n", "", 0}, {"n,third=2", "", 3},
		{"", "spec.nodeName=node-1", 4}, {"", "spec.nodeName!=node-1", 5}, {"third=0", "spec.nodeName=node-0", 2}, {"", "metadata.name=p-3", 1},
		{"", "status.phase=Pending", 9}, {"", "status.phase=Running", 0}} {
		options := metav1.ListOptions{LabelSelector: row.labels, FieldSelector: row.fields}
		list, err := pods.List(t.ctx, options)
		t.Must(err, row.labels+row.fields)
		t.Equal(len(list.Items), row.wanted, row.labels+" "+row.fields)
		options.ResourceVersion = "0"
		options.TimeoutSeconds = new(int64)
		*options.TimeoutSeconds = 1
		w, err := pods.Watch(t.ctx, options)
		t.Must(err, row.labels+row.fields)
		for range row.wanted {
			e, more := <-w.ResultChan()
			t.True(more && e.Type == "ADDED", "watch of %s %s: %v", row.labels, row.fields, e)
		}
		w.Stop()
	}
	_, err := pods.List(t.ctx, metav1.ListOptions{FieldSelector: "spec.nothing=1"})
	t.True(apierrors.IsBadRequest(err), "a field that cannot be selected by: %v", err)
	_, err = pods.List(t.ctx, metav1.ListOptions{LabelSelector: "a=b=c"})
	t.True(apierrors.IsBadRequest(err), "a bad selector: %v", err)
	now := int64(0)
	dry := metav1.DeleteOptions{GracePeriodSeconds: &now, DryRun: []string{metav1.DryRunAll}}
	t.Must(pods.DeleteCollection(t.ctx, dry, metav1.ListOptions{LabelSelector: "third=0"}), "dry deletecollection")
	t.Must(pods.DeleteCollection(t.ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{LabelSelector: "third=1"}), "deletecollection")
	t.Must(pods.DeleteCollection(t.ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{FieldSelector: "spec.nodeName=node-1"}), "deletecollection")
	list, err := pods.List(t.ctx, metav1.ListOptions{})
	t.Must(err, "list")
	var left []string
	for _, p := range list.Items {
		left = append(left, p.Name)
	}
	t.Equal(left, []string{"p-0", "p-2", "p-6", "p-8"}, "left over")
}

func dynamicClient(t *T) {
	leases := t.dynamic.Resource(schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}).Namespace(t.ns)
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
		"metadata": map[string]any{"generateName": "l-"}, "spec": map[string]any{"holderIdentity": "me", "leaseDurationSeconds": int64(15)}}}
	made, err := leases.Create(t.ctx, o, metav1.CreateOptions{})
	t.Must(err, "create")
	t.True(len(made.GetName()) == 7 && made.GetUID() != "" && made.Object["metadata"].(map[string]any)["creationTimestamp"] != nil, "metadata: %v", made.Object["metadata"])
	t.Must(unstructured.SetNestedField(made.Object, "you", "spec", "holderIdentity"), "set")
	changed, err := leases.Update(t.ctx, made, metav1.UpdateOptions{})
	t.Must(err, "update")
	same, err := leases.Update(t.ctx, changed, metav1.UpdateOptions{})
	t.Must(err, "update that changes nothing")
	t.Equal(same.GetResourceVersion(), changed.GetResourceVersion(), "revision after an update that changes nothing")
	read, err := leases.Get(t.ctx, made.GetName(), metav1.GetOptions{})
	t.Must(err, "get")
	t.Equal(read.Object, changed.Object, "what is read")
	list, err := leases.List(t.ctx, metav1.ListOptions{})
	t.Must(err, "list")
	t.Equal(len(list.Items), 1, "list")
	t.Equal(list.GetKind(), "LeaseList", "kind of the list")
	t.Must(leases.Delete(t.ctx, made.GetName(), metav1.DeleteOptions{}), "delete")
	_, err = leases.Get(t.ctx, made.GetName(), metav1.GetOptions{})
	t.True(apierrors.IsNotFound(err), "get after delete: %v", err)
	_, err = leases.Create(t.ctx, &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x"}}}, metav1.CreateOptions{})
	t.True(apierrors.IsBadRequest(err), "create of another kind: %v", err)
}

func subresources(t *T) {
	apps := t.client.AppsV1().Deployments(t.ns)
	d, err := apps.Create(t.ctx, deployment("web"), metav1.CreateOptions{})
	t.Must(err, "create")
	d.Status.Replicas, d.Status.ObservedGeneration = 1, 1
	d.Spec.Paused = true
	d, err = apps.UpdateStatus(t.ctx, d, metav1.UpdateOptions{})
	t.Must(err, "update of the status")
	t.True(d.Status.Replicas == 1 && !d.Spec.Paused && d.Generation == 1, "after an update of the status: %+v", d)
	scale, err := apps.GetScale(t.ctx, "web", metav1.GetOptions{})
	t.Must(err, "scale")
	t.Equal(scale.Status, autoscalingv1.ScaleStatus{Replicas: 1, Selector: "app=web"}, "status of the scale")
	scale.Spec.Replicas = 5
	_, err = apps.UpdateScale(t.ctx, "web", scale, metav1.UpdateOptions{})
	t.Must(err, "update of the scale")
	d, err = apps.Get(t.ctx, "web", metav1.GetOptions{})
	t.Must(err, "get")
	t.True(*d.Spec.Replicas == 5 && d.Generation == 2, "after scaling: %d replicas, generation %d", *d.Spec.Replicas, d.Generation)
	pods := t.client.CoreV1().Pods(t.ns)
	_, err = pods.Create(t.ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "registry.example/a:1"}}}}, metav1.CreateOptions{})
	t.Must(err, "create")
	t.Must(pods.Bind(t.ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Target: corev1.ObjectReference{Kind: "Node", Name: "n1"}}, metav1.CreateOptions{}), "bind")
	err = pods.Bind(t.ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Target: corev1.ObjectReference{Kind: "Node", Name: "n2"}}, metav1.CreateOptions{})
	t.True(apierrors.IsConflict(err), "second bind: %v", err)
	p, err := pods.Get(t.ctx, "p", metav1.GetOptions{})
	t.Must(err, "get")
	t.True(p.Spec.NodeName == "n1" && len(p.Status.Conditions) == 1 && p.Status.Conditions[0].Type == corev1.PodScheduled, "after binding: %+v", p.Status)
	err = pods.EvictV1(t.ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "p"}})
	t.Must(err, "evict")
	p, err = pods.Get(t.ctx, "p", metav1.GetOptions{})
	t.True(apierrors.IsNotFound(err) || (err == nil && p.DeletionTimestamp != nil), "after eviction: %v %v", p, err)
}

func deletions(t *T) {
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	o := configMap("held")
	o.Finalizers = []string{"example.com/hold"}
	o, err := maps.Create(t.ctx, o, metav1.CreateOptions{})
	t.Must(err, "create")
	wrong, old := types.UID("other"), "1"
	err = maps.Delete(t.ctx, "held", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}})
	t.True(apierrors.IsConflict(err), "delete of another uid: %v", err)
	err = maps.Delete(t.ctx, "held", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &old}})
	t.True(apierrors.IsConflict(err), "delete of an old revision: %v", err)
	t.Must(maps.Delete(t.ctx, "held", metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}), "dry delete")
	foreground := metav1.DeletePropagationForeground
	t.Must(maps.Delete(t.ctx, "held", metav1.DeleteOptions{PropagationPolicy: &foreground, Preconditions: &metav1.Preconditions{UID: &o.UID}}), "delete")
	o, err = maps.Get(t.ctx, "held", metav1.GetOptions{})
	t.Must(err, "get")
	t.True(o.DeletionTimestamp != nil, "no deletionTimestamp")
	t.Equal(len(o.Finalizers), 2, "finalizers")
	o.Finalizers = append(o.Finalizers, "example.com/late")
	_, err = maps.Update(t.ctx, o, metav1.UpdateOptions{})
	t.True(apierrors.IsInvalid(err), "a new finalizer on a deleted object: %v", err)
	_, err = maps.Patch(t.ctx, "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	t.Must(err, "last finalizers")
	_, err = maps.Get(t.ctx, "held", metav1.GetOptions{})
	t.True(apierrors.IsNotFound(err), "get after the last finalizer: %v", err)
	dry, err := maps.Create(t.ctx, configMap("dry"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	t.Must(err, "dry create")
	t.True(dry.UID != "" && dry.ResourceVersion == "", "a dry object: %+v", dry.ObjectMeta)
	_, err = maps.Get(t.ctx, "dry", metav1.GetOptions{})
	t.True(apierrors.IsNotFound(err), "get after a dry create: %v", err)
}

func pagerReads(t *T) {
	maps := t.client.CoreV1().ConfigMaps(t.ns)
	for i := range 53 {
		_, err := maps.Create(t.ctx, configMap(fmt.Sprintf("m-%02d", i)), metav1.CreateOptions{})
		t.Must(err, "create")
	}
	p := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return maps.List(ctx, o) })
	p.PageSize = 10
	var names []string
	t.Must(p.EachListItem(t.ctx, metav1.ListOptions{LabelSelector: "test=yes"}, func(o runtime.Object) error {
		names = append(names, o.(*corev1.ConfigMap).Name)
		return nil
	}), "pager")
	t.Equal(len(names), 53, "objects")
	list, paginated, err := p.ListWithAlloc(t.ctx, metav1.ListOptions{})
	t.Must(err, "pager")
	t.True(paginated, "not paginated")
	text, err := json.Marshal(list)
	t.Must(err, "json")
	t.True(len(text) > 53*100, "%d bytes", len(text))
}
