package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/randfill"
)

var (
	scheme = runtime.NewScheme()
	codecs = serializer.NewCodecFactory(scheme)
	// Go's own encoder and decoder: the measure of all below.
	golang = protobuf.NewSerializer(scheme, scheme)
)

func init() {
	utilruntime.Must(clientscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	utilruntime.Must(apiregistrationv1.AddToScheme(scheme))
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
}

// Kinds that are not built in, or are only half of a message.
func isObject(gvk schema.GroupVersionKind) bool {
	switch gvk.Kind {
	case "WatchEvent", "List", "Table",
		"ListOptions", "PodLogOptions", "PodExecOptions", "PodAttachOptions", "PodPortForwardOptions", "PodProxyOptions",
		"NodeProxyOptions", "ServiceProxyOptions", "PodStatusResult", "RangeAllocation", "SerializedReference",
		"PatchOptions", "GetOptions", "UpdateOptions":
		return false
	}
	return gvk.Version != runtime.APIVersionInternal
}

// All kinds that the program knows, sorted, of group-versions in `served` (nil: all).
func kinds(served map[string]bool) []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	for gvk := range scheme.AllKnownTypes() {
		if isObject(gvk) && (served == nil || served[gvk.GroupVersion().String()]) {
			all = append(all, gvk)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].String() < all[j].String() })
	return all
}

// Any JSON, which the usual fuzzers leave out.
func jsonFuncs(serializer.CodecFactory) []interface{} {
	raw := func(c randfill.Continue) []byte {
		b, _ := json.Marshal(map[string]interface{}{"a<b": c.Intn(100), "text": c.String(10), "list": []bool{true, false}})
		return b
	}
	return []interface{}{
		func(j *apiextensionsv1.JSON, c randfill.Continue) { j.Raw = raw(c) },
		func(r *runtime.RawExtension, c randfill.Continue) { *r = runtime.RawExtension{Raw: raw(c)} },
		func(s *apiextensionsv1.JSONSchemaProps, c randfill.Continue) {
			// A shallow one: they contain each other without end.
			s.Type, s.Title, s.Format = c.String(5), c.String(9), "date-time"
			s.Minimum, s.XPreserveUnknownFields = randfillFloat(c), nil
			s.Required = []string{"z", "a"}
			if c.Bool() {
				s.Properties = map[string]apiextensionsv1.JSONSchemaProps{"z": {Type: "string"}, "b": {Type: "integer"}, "é": {}}
				s.Items = &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &apiextensionsv1.JSONSchemaProps{ID: "i", Type: "object"}}
				s.AdditionalProperties = &apiextensionsv1.JSONSchemaPropsOrBool{Allows: true, Schema: &apiextensionsv1.JSONSchemaProps{Type: "x"}}
			} else {
				s.Items = &apiextensionsv1.JSONSchemaPropsOrArray{JSONSchemas: []apiextensionsv1.JSONSchemaProps{{Type: "a"}, {Type: "b"}}}
				s.AdditionalProperties = &apiextensionsv1.JSONSchemaPropsOrBool{Allows: c.Bool()}
				s.Dependencies = apiextensionsv1.JSONSchemaDependencies{
					"q": {Property: []string{"x", "y"}}, "p": {Schema: &apiextensionsv1.JSONSchemaProps{Title: "t"}}}
				s.Enum = []apiextensionsv1.JSON{{Raw: raw(c)}, {Raw: []byte(`"x"`)}}
			}
		},
	}
}

func randfillFloat(c randfill.Continue) *float64 {
	f := c.Float64() * 1e6
	return &f
}

type maker struct{ filler *randfill.Filler }

func newMaker(seed int64) maker {
	return maker{fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, jsonFuncs), rand.NewSource(seed), codecs)}
}

// A random object, as it is after one way through JSON: what a server can know of it.
func (m maker) make(gvk schema.GroupVersionKind) (runtime.Object, []byte, error) {
	obj, err := scheme.New(gvk)
	if err != nil {
		return nil, nil, err
	}
	m.filler.Fill(obj)
	obj.GetObjectKind().SetGroupVersionKind(gvk)
	text, err := json.Marshal(obj)
	if err != nil {
		return nil, nil, fmt.Errorf("Go cannot write it: %v", err)
	}
	again, _ := scheme.New(gvk)
	if err := json.Unmarshal(text, again); err != nil {
		return nil, nil, fmt.Errorf("Go cannot read it: %v", err)
	}
	text, err = json.Marshal(again)
	return again, text, err
}

func encode(obj runtime.Object) ([]byte, error) {
	var out bytes.Buffer
	err := golang.Encode(obj, &out)
	return out.Bytes(), err
}

// The place where two texts part, for people.
func difference(want, got []byte) string {
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	from := max(0, at-24)
	show := func(b []byte) string {
		return strings.Trim(fmt.Sprintf("%q", b[min(from, len(b)):min(at+40, len(b))]), `"`)
	}
	return fmt.Sprintf("at byte %d of %d and %d: want %s got %s", at, len(want), len(got), show(want), show(got))
}
