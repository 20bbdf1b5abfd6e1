package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"
)

var _ = register("discovery: aggregated and legacy say the same, in the same order", discoveryBoth)
var _ = register("OpenAPI: a v3 document for every group-version, and v2", openapi)
var _ = register("the RESTMapper knows plural, singular, short names, kinds and categories", mapping)

// described is what a client learns about a server.
func described(t *T, d *discovery.DiscoveryClient) []string {
	groups, lists, err := d.ServerGroupsAndResources()
	t.Must(err, "discovery")
	var lines []string
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("group %s prefers %s of %v", g.Name, g.PreferredVersion.Version, g.Versions))
	}
	slices.SortStableFunc(lists, func(a, b *metav1.APIResourceList) int { return strings.Compare(a.GroupVersion, b.GroupVersion) })
	for _, list := range lists {
		for _, r := range list.APIResources {
			verbs := slices.Clone([]string(r.Verbs))
			slices.Sort(verbs)
			if strings.Contains(r.Name, "/") {
				r.SingularName = "" // client-go makes one up for the aggregated form
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %v %s %v %v %v", list.GroupVersion, r.Name, r.Kind, r.Namespaced, r.SingularName, r.ShortNames, r.Categories, verbs))
		}
	}
	return lines
}

func discoveryBoth(t *T) {
	aggregated, err := discovery.NewDiscoveryClientForConfig(t.config)
	t.Must(err, "discovery client")
	legacy, err := discovery.NewDiscoveryClientForConfig(t.config)
	t.Must(err, "discovery client")
	legacy.UseLegacyDiscovery = true
	a, l := described(t, aggregated), described(t, legacy)
	for i := range a {
		t.True(i < len(l) && a[i] == l[i], "line %d: aggregated %s, legacy %s", i, a[i], l[min(i, len(l)-1)])
	}
	t.Equal(len(l), len(a), "lines")
	t.True(slices.ContainsFunc(a, func(line string) bool {
		return strings.HasPrefix(line, "apps/v1 deployments Deployment true deployment [deploy] [all]")
	}), "no deployments in %v", a[:5])
	version, err := aggregated.ServerVersion()
	t.Must(err, "version")
	t.Equal(version.Major+"."+version.Minor, "1.37", "version")
	preferred, err := aggregated.ServerPreferredNamespacedResources()
	t.Must(err, "preferred resources")
	t.True(len(preferred) > 10, "%d group-versions with namespaced resources", len(preferred))
}

func openapi(t *T) {
	d, err := discovery.NewDiscoveryClientForConfig(t.config)
	t.Must(err, "discovery client")
	paths, err := d.OpenAPIV3().Paths()
	t.Must(err, "OpenAPI v3 index")
	groups, err := d.ServerGroups()
	t.Must(err, "groups")
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			path := "apis/" + v.GroupVersion
			if g.Name == "" {
				path = "api/" + v.GroupVersion
			}
			t.True(paths[path] != nil, "no OpenAPI v3 of %s", path)
		}
	}
	for path, gv := range paths {
		text, err := gv.Schema("application/json")
		t.Must(err, path)
		var document struct {
			OpenAPI string         `json:"openapi"`
			Paths   map[string]any `json:"paths"`
		}
		t.Must(json.Unmarshal(text, &document), path)
		t.True(strings.HasPrefix(document.OpenAPI, "3."), "%s: openapi %q", path, document.OpenAPI)
		for p := range document.Paths {
			t.True(strings.HasPrefix(strings.TrimPrefix(p, "/"), strings.Split(path, "/")[0]) || path == "version", "%s has the path %s", path, p)
		}
	}
	v2, err := d.OpenAPISchema()
	t.Must(err, "OpenAPI v2")
	t.Equal(v2.Swagger, "2.0", "swagger")
	t.True(len(v2.Definitions.AdditionalProperties) > 500, "%d definitions", len(v2.Definitions.AdditionalProperties))
}

func mapping(t *T) {
	d, err := discovery.NewDiscoveryClientForConfig(t.config)
	t.Must(err, "discovery client")
	cached := memory.NewMemCacheClient(d)
	plain := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	mapper := restmapper.NewShortcutExpander(plain, cached, nil)
	for name, wanted := range map[string]string{
		"pods": "/v1, Resource=pods", "pod": "/v1, Resource=pods", "po": "/v1, Resource=pods", "deploy": "apps/v1, Resource=deployments",
		"deployments.apps": "apps/v1, Resource=deployments", "hpa": "autoscaling/v2, Resource=horizontalpodautoscalers", "cj": "batch/v1, Resource=cronjobs",
		"crd": "apiextensions.k8s.io/v1, Resource=customresourcedefinitions", "ing": "networking.k8s.io/v1, Resource=ingresses", "sa": "/v1, Resource=serviceaccounts",
	} {
		gr := schema.ParseGroupResource(name)
		found, err := mapper.ResourceFor(gr.WithVersion(""))
		t.Must(err, name)
		t.Equal(found.String(), wanted, name)
	}
	found, err := mapper.RESTMapping(schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, "v1")
	t.Must(err, "mapping")
	t.Equal(found.Resource.Version, "v1", "version that was asked for")
	kinds, err := mapper.KindsFor(schema.GroupVersionResource{Resource: "events"})
	t.Must(err, "kinds")
	t.Equal(len(kinds), 2, "kinds of events")
	expander := restmapper.NewDiscoveryCategoryExpander(cached)
	all, ok := expander.Expand("all")
	t.True(ok && slices.Contains(all, schema.GroupResource{Group: "apps", Resource: "deployments"}) && slices.Contains(all, schema.GroupResource{Resource: "pods"}), "category all: %v", all)
	_, err = mapper.ResourceFor(schema.GroupVersionResource{Resource: "nothings"})
	t.True(err != nil, "nothings are known")
	_, err = t.dynamic.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "nothings"}).List(t.ctx, metav1.ListOptions{})
	t.True(err != nil && strings.Contains(err.Error(), "could not find the requested resource"), "list of nothings: %v", err)
}
