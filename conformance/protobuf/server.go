package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const media = "application/vnd.kubernetes.protobuf"

type server struct {
	url    string
	client *http.Client
	set    *kubernetes.Clientset
	config *rest.Config
}

func newServer(kubeconfig string) (*server, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, -1
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = media, media
	set, err := kubernetes.NewForConfig(config)
	return &server{config.Host, client, set, config}, err
}

type answer struct {
	code int
	kind string // Content-Type
	body []byte
}

func (s *server) ask(method, path, accept, contentType string, body []byte) answer {
	request, _ := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	request.Header.Set("Accept", accept)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{kind: err.Error()}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), text}
}

// The same request in both forms: the protobuf answer must be what Go makes of the JSON one.
func (s *server) compare(path string) {
	claim := "GET " + path + " in protobuf is what Go makes of the JSON answer"
	asJSON, asProto := s.ask("GET", path, "application/json", "", nil), s.ask("GET", path, media, "", nil)
	if asJSON.code != asProto.code || asProto.kind != media {
		report(false, claim, fmt.Sprintf("%d, %d %s", asJSON.code, asProto.code, asProto.kind))
		return
	}
	var meta metav1.TypeMeta
	json.Unmarshal(asJSON.body, &meta)
	gvk := meta.GroupVersionKind()
	obj, err := scheme.New(gvk)
	if err != nil {
		report(false, claim, err.Error())
		return
	}
	if err := json.Unmarshal(asJSON.body, obj); err != nil {
		report(false, claim, err.Error())
		return
	}
	want, err := encode(obj)
	report(err == nil && bytes.Equal(want, asProto.body), claim, difference(want, asProto.body))
}

var bodies = []struct {
	name string
	body []byte
	code int
	text string
}{
	{"no envelope", []byte("not protobuf"), 400, "does not appear to be a protobuf message"},
	{"an empty body", []byte{}, 400, ""},
	{"half an envelope", []byte("k8s\x00\x0a\x0f"), 400, ""},
	{"a length that lies", []byte("k8s\x00\x12\xff\xff\xff\xff\x0f"), 400, ""},
	{"an endless number", append([]byte("k8s\x00"), bytes.Repeat([]byte{0xff}, 64)...), 400, ""},
	{"a message of rubbish", []byte("k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x03\x0b\x0b\x0b"), 400, ""},
	{"another kind", []byte("k8s\x00\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x02\x0a\x00"), 400, "Secret"},
	{"a kind that nobody knows", []byte("k8s\x00\x0a\x0a\x0a\x02v9\x12\x04Boat\x12\x02\x0a\x00"), 400, "Boat"},
	{"a huge one", append([]byte("k8s\x00"), make([]byte, 4<<20)...), 413, ""},
}

func (s *server) badInput(path string) {
	for _, b := range bodies {
		got := s.ask("POST", path, "application/json", media, b.body)
		report(got.code == b.code && strings.Contains(string(got.body), b.text),
			fmt.Sprintf("a body with %s is answered %d", b.name, b.code), fmt.Sprintf("%d %s", got.code, got.body))
	}
	unknown, _ := encode(&corev1.ConfigMap{TypeMeta: typeMeta("v1", "ConfigMap"), ObjectMeta: metav1.ObjectMeta{Name: "unknown"}})
	// Field 999 in the object's message, which ends before the last four bytes; lengths below 128 stand in one byte.
	at := bytes.Index(unknown, []byte("ConfigMap\x12")) + len("ConfigMap\x12")
	unknown[at] += 4
	unknown = append(unknown[:len(unknown)-4], append([]byte{0xba, 0x3e, 0x01, 'x'}, unknown[len(unknown)-4:]...)...)
	got := s.ask("POST", path+"?fieldValidation=Strict", media, media, unknown)
	report(got.code == 201, "unknown fields in protobuf are passed over, even when strict", fmt.Sprintf("%d %q", got.code, got.body))
	got = s.ask("POST", path, "text/html", media, unknown)
	report(got.code == 406, "an Accept that cannot be met is 406", fmt.Sprint(got.code))
	got = s.ask("POST", path, media, "application/x-protobuf", unknown)
	report(got.code == 415 && got.kind == media, "a type of body that is not known is 415, told in protobuf", fmt.Sprintf("%d %s", got.code, got.kind))
}

func typeMeta(version, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: version, Kind: kind}
}

func check(err error, claim string) bool {
	if err != nil {
		report(false, claim, err.Error())
	} else {
		report(true, claim, "")
	}
	return err == nil
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "x"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i:1"}}}}
}

// client-go with protobuf for all it sends and takes.
func (s *server) typed(ctx context.Context) {
	pods, n := s.set.CoreV1().Pods("default"), int32(2)
	made, err := pods.Create(ctx, pod("typed"), metav1.CreateOptions{})
	if !check(err, "client-go creates a pod in protobuf") {
		return
	}
	made.Labels["b"] = "c"
	made, err = pods.Update(ctx, made, metav1.UpdateOptions{})
	report(err == nil && made.Labels["b"] == "c", "updates it", fmt.Sprint(err))
	made, err = pods.Patch(ctx, "typed", types.StrategicMergePatchType, []byte(`{"metadata":{"labels":{"d":"e"}}}`), metav1.PatchOptions{})
	report(err == nil && made.Labels["d"] == "e", "patches it", fmt.Sprint(err))
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=x"})
	report(err == nil && len(list.Items) == 1 && apiequality.Semantic.DeepEqual(list.Items[0], *made), "lists it as it is", fmt.Sprint(err))
	_, err = pods.Create(ctx, pod("typed"), metav1.CreateOptions{})
	report(apierrors.IsAlreadyExists(err), "reads a failure", fmt.Sprint(err))
	err = pods.EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "typed"}})
	check(err, "evicts it")
	_, err = pods.Get(ctx, "typed", metav1.GetOptions{})
	report(apierrors.IsNotFound(err), "and it is gone", fmt.Sprint(err))

	deployments := s.set.AppsV1().Deployments("default")
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: pod("x").Spec}
	_, err = deployments.Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "typed"}, Spec: appsv1.DeploymentSpec{
		Replicas: &n, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}, Template: template}}, metav1.CreateOptions{})
	check(err, "creates a deployment")
	scale, err := deployments.UpdateScale(ctx, "typed", &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "typed", Namespace: "default"},
		Spec: autoscalingv1.ScaleSpec{Replicas: 5}}, metav1.UpdateOptions{})
	report(err == nil && scale.Spec.Replicas == 5 && scale.Status.Selector == "a=b", "scales it", fmt.Sprint(err))
	zero, background := int64(0), metav1.DeletePropagationBackground
	err = deployments.Delete(ctx, "typed", metav1.DeleteOptions{GracePeriodSeconds: &zero, PropagationPolicy: &background})
	check(err, "deletes it with options")
	review, err := s.set.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	report(err == nil && review.Status.UserInfo.Username != "", "asks who it is", fmt.Sprint(err))
	_, resources, err := s.set.Discovery().ServerGroupsAndResources()
	report(err == nil && len(resources) >= 20, "finds the resources", fmt.Sprint(err))
	err = s.set.CoreV1().ConfigMaps("default").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "many=yes"})
	check(err, "deletes a collection")
}

// The address of a service is an object as long as the service has it.
func (s *server) addresses(ctx context.Context) {
	services, ips := s.set.CoreV1().Services("default"), s.set.NetworkingV1().IPAddresses()
	ports := []corev1.ServicePort{{Port: 80}}
	made, err := services.Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "addressed-"}, Spec: corev1.ServiceSpec{Ports: ports}}, metav1.CreateOptions{})
	if !check(err, "a service is created") {
		return
	}
	ip, err := ips.Get(ctx, made.Spec.ClusterIP, metav1.GetOptions{})
	report(err == nil && ip.Spec.ParentRef != nil && ip.Spec.ParentRef.Name == made.Name && ip.Labels["ipaddress.kubernetes.io/managed-by"] == "ipallocator.k8s.io",
		"its address is an object that names it", fmt.Sprint(err, ip))
	check(services.Delete(ctx, made.Name, metav1.DeleteOptions{}), "the service is deleted")
	_, err = ips.Get(ctx, made.Spec.ClusterIP, metav1.GetOptions{})
	report(apierrors.IsNotFound(err), "and its address with it", fmt.Sprint(err))
	ip.ObjectMeta = metav1.ObjectMeta{Name: made.Spec.ClusterIP, Labels: ip.Labels}
	_, err = ips.Create(ctx, ip, metav1.CreateOptions{})
	check(err, "somebody makes it an object again")
	_, err = services.Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "late"}, Spec: corev1.ServiceSpec{Ports: ports, ClusterIP: ip.Name}}, metav1.CreateOptions{})
	report(apierrors.IsInvalid(err), "then no service gets it", fmt.Sprint(err))
	check(ips.Delete(ctx, ip.Name, metav1.DeleteOptions{}), "until it is gone")
}

// A list of many slices, and the same in pages.
func (s *server) many(ctx context.Context) {
	const count = 3000
	maps := s.set.CoreV1().ConfigMaps("default")
	text := strings.Repeat("x", 1000)
	for i := 0; i < count; i++ {
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("many-%d", i), Labels: map[string]string{"many": "yes"}},
			Data: map[string]string{"text": text}}, metav1.CreateOptions{})
		if err != nil {
			report(false, "many objects are created", err.Error())
			return
		}
	}
	s.compare("/api/v1/configmaps?labelSelector=many%3Dyes")
	s.compare("/api/v1/configmaps?limit=500")
	list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "many=yes"})
	report(err == nil && len(list.Items) == count, "a list of many slices is whole", fmt.Sprint(err))
	whole := s.ask("GET", "/api/v1/configmaps", "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "", nil)
	obj, _, err := protobuf.NewSerializer(metaScheme(), metaScheme()).Decode(whole.body, nil, nil)
	partial, ok := obj.(*metav1.PartialObjectMetadataList)
	report(ok && len(partial.Items) > count, "and so is one of metadata alone", fmt.Sprint(err))
}

func metaScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	metav1.AddMetaToScheme(s)
	return s
}

// The frames of a watch: a length, a WatchEvent, in it an envelope.
func (s *server) frames(ctx context.Context) {
	maps := s.set.CoreV1().ConfigMaps("kube-public")
	made, _ := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "framed"}, Data: map[string]string{"k": "v"}}, metav1.CreateOptions{})
	path := "/api/v1/namespaces/kube-public/configmaps?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dframed" +
		"&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
	got := s.ask("GET", path, media+";stream=watch", "", nil)
	report(got.kind == media+";stream=watch", "a watch in protobuf says so", got.kind)
	var seen []string
	for rest := got.body; len(rest) > 4; {
		n := binary.BigEndian.Uint32(rest)
		var event metav1.WatchEvent
		if err := event.Unmarshal(rest[4 : 4+n]); err != nil {
			report(false, "a frame is a WatchEvent", err.Error())
			return
		}
		obj, _, err := golang.Decode(event.Object.Raw, nil, nil)
		if m, ok := obj.(*corev1.ConfigMap); ok && event.Type == "ADDED" {
			report(apiequality.Semantic.DeepEqual(m.Data, made.Data) && m.UID == made.UID, "a frame holds the object", "")
		} else if err != nil {
			report(false, "a frame holds an object", err.Error())
		}
		seen = append(seen, event.Type)
		rest = rest[4+n:]
	}
	report(strings.Join(seen, " ") == "ADDED BOOKMARK", "the frames are ADDED and BOOKMARK", strings.Join(seen, " "))
}

// Informers on protobuf see what happens.
func (s *server) informers(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan string, 100)
	factory := informers.NewSharedInformerFactoryWithOptions(s.set, 0, informers.WithNamespace("kube-public"))
	informer := factory.Core().V1().Secrets()
	see := func(what string) func(interface{}) {
		return func(o interface{}) { events <- what + " " + string(o.(*corev1.Secret).Data["k"]) }
	}
	informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: see("add"), DeleteFunc: see("delete"),
		UpdateFunc: func(_, o interface{}) { see("update")(o) }})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	secrets := s.set.CoreV1().Secrets("kube-public")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "seen"}, Data: map[string][]byte{"k": []byte("\x00\xff1")}}
	secret, err := secrets.Create(ctx, secret, metav1.CreateOptions{})
	if !check(err, "a secret is created") {
		return
	}
	secret.Data["k"] = []byte("2")
	_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
	check(err, "and updated")
	check(secrets.Delete(ctx, "seen", metav1.DeleteOptions{}), "and deleted")
	for _, want := range []string{"add \x00\xff1", "update 2", "delete 2"} {
		select {
		case got := <-events:
			report(got == want, fmt.Sprintf("an informer sees %q", want), got)
		case <-time.After(20 * time.Second):
			report(false, fmt.Sprintf("an informer sees %q", want), "nothing came")
		}
	}
	all, err := informer.Lister().List(labels.Everything())
	report(err == nil && len(all) == 0, "its cache is empty again", fmt.Sprint(err))
}

func (s *server) metadata(ctx context.Context) {
	client, err := metadata.NewForConfig(rest.CopyConfig(s.config))
	if err != nil {
		report(false, "the metadata client", err.Error())
		return
	}
	gvr := corev1.SchemeGroupVersion.WithResource("namespaces")
	list, err := client.Resource(gvr).List(ctx, metav1.ListOptions{})
	report(err == nil && len(list.Items) >= 4, "the metadata client lists", fmt.Sprint(err))
	w, err := client.Resource(gvr).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=default"})
	if !check(err, "the metadata client watches") {
		return
	}
	defer w.Stop()
	select {
	case event := <-w.ResultChan():
		report(event.Type == watch.Added, "and sees an object", fmt.Sprint(event))
	case <-time.After(20 * time.Second):
		report(false, "and sees an object", "nothing came")
	}
}

func testServer(kubeconfig, samples string) {
	ctx := context.Background()
	s, err := newServer(kubeconfig)
	if err != nil {
		report(false, "the server can be asked", err.Error())
		return
	}
	s.samples(samples)
	for _, path := range readable(s) {
		s.compare(path)
	}
	s.badInput("/api/v1/namespaces/default/configmaps")
	s.typed(ctx)
	s.addresses(ctx)
	s.many(ctx)
	s.frames(ctx)
	s.informers(ctx)
	s.metadata(ctx)
	s.stored(ctx)
}

// Lists of everything there is, discovery, and answers that are no objects.
func readable(s *server) []string {
	paths := []string{"/api/v1", "/apis/apps", "/apis/apps/v1", "/apis", "/api/v1/namespaces/default", "/api/v1/namespaces/nope",
		"/api/v1/nope", "/api/v1/componentstatuses", "/apis/apps/v1/namespaces/default/deployments/nope/scale"}
	_, all, _ := s.set.Discovery().ServerGroupsAndResources()
	for _, group := range all {
		prefix := "/apis/" + group.GroupVersion
		if group.GroupVersion == "v1" {
			prefix = "/api/v1"
		}
		for _, r := range group.APIResources {
			if !strings.Contains(r.Name, "/") && strings.Contains(fmt.Sprint(r.Verbs), "list") {
				paths = append(paths, prefix+"/"+r.Name)
			}
		}
	}
	return paths
}

// One object of each kind (conformance/objects.yaml), sent in protobuf and read back in both forms.
func (s *server) samples(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		report(false, "the samples can be read", err.Error())
		return
	}
	resources := s.resources()
	words := strings.NewReplacer("UNIQUE", "proto", "NAMESPACE", "default", "[CIDR]", "[10.201.0.0/24]", "ADDRESS", "10.201.0.9")
	for _, part := range strings.Split(words.Replace(string(text)), "\n---\n") {
		doc := []byte(part)
		var meta struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal(doc, &meta); err != nil {
			report(false, "a sample is YAML", err.Error())
			continue
		}
		gvk := meta.GroupVersionKind()
		obj, err := scheme.New(gvk)
		if err == nil {
			err = yaml.UnmarshalStrict(doc, obj)
		}
		path := resources[gvk.GroupVersion().String()+" "+gvk.Kind]
		if err != nil || path == "" {
			skip("a sample "+name(gvk)+" sent in protobuf", fmt.Sprint("no Go type or resource: ", err))
			continue
		}
		body, _ := encode(obj)
		got := s.ask("POST", path, media, media, body)
		made, _, err := golang.Decode(got.body, nil, nil)
		report(got.code == 201 && err == nil && made.GetObjectKind().GroupVersionKind() == gvk,
			"a sample "+name(gvk)+" sent in protobuf is made", fmt.Sprintf("%d %v %q", got.code, err, got.body))
		if got.code == 201 {
			s.compare(path + "/" + meta.Name)
		}
	}
}

// "apps/v1 Deployment" -> the path of its collection in the namespace default.
func (s *server) resources() map[string]string {
	found := map[string]string{}
	_, all, _ := s.set.Discovery().ServerGroupsAndResources()
	for _, group := range all {
		prefix := "/apis/" + group.GroupVersion
		if group.GroupVersion == "v1" {
			prefix = "/api/v1"
		}
		for _, r := range group.APIResources {
			scope := ""
			if r.Namespaced {
				scope = "/namespaces/default"
			}
			if !strings.Contains(r.Name, "/") {
				found[group.GroupVersion+" "+r.Kind] = prefix + scope + "/" + r.Name
			}
		}
	}
	return found
}

// Random texts and bytes in objects that the server takes.
func (s *server) stored(ctx context.Context) {
	m, taken := newMaker(7), 0
	for i := 0; i < 40; i++ {
		obj, _, err := m.make(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
		if err != nil {
			continue
		}
		random := obj.(*corev1.ConfigMap)
		random.ObjectMeta = metav1.ObjectMeta{Name: fmt.Sprintf("random-%d", i)}
		data := map[string]string{}
		for k, v := range random.Data {
			data[fmt.Sprintf("k%x", base64.RawURLEncoding.EncodeToString([]byte(k)))] = v
		}
		random.Data, random.Immutable = data, nil
		binary := map[string][]byte{}
		for k, v := range random.BinaryData {
			binary[fmt.Sprintf("b%x", base64.RawURLEncoding.EncodeToString([]byte(k)))] = v
		}
		random.BinaryData = binary
		made, err := s.set.CoreV1().ConfigMaps("default").Create(ctx, random, metav1.CreateOptions{})
		if err == nil && apiequality.Semantic.DeepEqual(made.Data, random.Data) && apiequality.Semantic.DeepEqual(made.BinaryData, random.BinaryData) {
			taken++
		}
	}
	report(taken == 40, "random content survives the way through the store", fmt.Sprint(taken))
}
