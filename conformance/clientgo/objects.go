package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// kind is a resource that can be listed and watched.
type kind struct {
	gvr        schema.GroupVersionResource
	gvk        schema.GroupVersionKind
	namespaced bool
}

func allKinds(t *T) []kind {
	d, err := discovery.NewDiscoveryClientForConfig(t.config)
	t.Must(err, "discovery client")
	_, lists, err := d.ServerGroupsAndResources()
	t.Must(err, "discovery")
	var kinds []kind
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		t.Must(err, "group-version")
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "watch") {
				continue
			}
			t.True(slices.Contains(r.Verbs, "list"), "%s can be watched and not listed", r.Name)
			kinds = append(kinds, kind{gv.WithResource(r.Name), gv.WithKind(r.Kind), r.Namespaced})
		}
	}
	t.True(len(kinds) >= 55, "only %d resources can be watched", len(kinds))
	return kinds
}

// object is a sample that stands in the cluster.
type object struct {
	resource dynamic.ResourceInterface
	name     string
	gvr      schema.GroupVersionResource
}

func samples(t *T) []*unstructured.Unstructured {
	text, err := os.ReadFile(os.Getenv("COXSWAIN_OBJECTS"))
	t.Must(err, "objects.yaml")
	for _, pair := range [][2]string{{"UNIQUE", fmt.Sprintf("u%d", t.unique)}, {"NAMESPACE", t.ns},
		{"[CIDR]", fmt.Sprintf("[10.%d.0.0/24]", 100+t.unique)}, {"ADDRESS", fmt.Sprintf("10.96.77.%d", t.unique)}} {
		text = bytes.ReplaceAll(text, []byte(pair[0]), []byte(pair[1]))
	}
	var all []*unstructured.Unstructured
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		u := &unstructured.Unstructured{}
		t.Must(yaml.Unmarshal(document, &u.Object), "objects.yaml")
		all = append(all, u)
	}
	return all
}

func mapper(t *T) meta.RESTMapper {
	d, err := discovery.NewDiscoveryClientForConfig(t.config)
	t.Must(err, "discovery client")
	groups, err := restmapper.GetAPIGroupResources(d)
	t.Must(err, "group resources")
	return restmapper.NewDiscoveryRESTMapper(groups)
}

func createSamples(t *T) []object {
	var made []object
	m := mapper(t)
	for _, u := range samples(t) {
		gvk := u.GroupVersionKind()
		mapping, err := m.RESTMapping(gvk.GroupKind(), gvk.Version)
		t.Must(err, "mapping of "+gvk.String())
		o := object{t.dynamic.Resource(mapping.Resource), u.GetName(), mapping.Resource}
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			o.resource = t.dynamic.Resource(mapping.Resource).Namespace(t.ns)
		}
		_, err = o.resource.Create(t.ctx, u, metav1.CreateOptions{})
		t.Must(err, "create "+gvk.String())
		made = append(made, o)
	}
	return made
}

// touch changes each object's annotation.
func touch(t *T, objects []object, value string) {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"touched":%q}}}`, value)
	for _, o := range objects {
		_, err := o.resource.Patch(t.ctx, o.name, types.MergePatchType, patch, metav1.PatchOptions{})
		t.Must(err, "patch "+o.gvr.String()+" "+o.name)
	}
}

func remove(t *T, objects []object) {
	zero := int64(0)
	for _, o := range objects {
		err := o.resource.Delete(t.ctx, o.name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
		if err != nil && !apierrors.IsNotFound(err) { // an event has two names
			t.Must(err, "delete "+o.gvr.String()+" "+o.name)
		}
	}
}
