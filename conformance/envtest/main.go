// The drop-in for envtest, used as a Go project uses it: controller-runtime's own envtest package, with
// KUBEBUILDER_ASSETS as the only thing that is set. Prints TAP.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

const sideBySide = 12

var (
	count, failed int
	ctx           = context.Background()
)

func check(claim string, err error) bool {
	count++
	if err != nil {
		failed++
		fmt.Printf("not ok %d - %s\n# %s\n", count, claim, strings.ReplaceAll(err.Error(), "\n", "\n# "))
		return false
	}
	fmt.Printf("ok %d - %s\n", count, claim)
	return true
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: map[string]string{"who": name}}
}

// What of ours still runs: command lines that name a folder of this run.
func leftovers() []string {
	var found []string
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		text, _ := os.ReadFile(path)
		line := strings.ReplaceAll(string(text), "\x00", " ")
		if strings.Contains(line, os.TempDir()) && strings.Contains(line, os.Getenv("KUBEBUILDER_ASSETS")) {
			found = append(found, line)
		}
	}
	return found
}

func eventually(what string, fn func() error) error {
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = fn(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func nothingLeft() error {
	return eventually("after the end", func() error {
		if left := leftovers(); len(left) > 0 {
			return fmt.Errorf("still running: %q", left)
		}
		entries, err := os.ReadDir(os.TempDir())
		if err == nil && len(entries) > 0 {
			return fmt.Errorf("still there: %v", entries)
		}
		return err
	})
}

// Create, read, list and watch through controller-runtime's client.
func useCluster(env *envtest.Environment, name string) error {
	c, err := client.NewWithWatch(env.Config, client.Options{})
	if err != nil {
		return err
	}
	events, err := c.Watch(ctx, &corev1.ConfigMapList{}, client.InNamespace("default"))
	if err != nil {
		return err
	}
	defer events.Stop()
	if err := c.Create(ctx, configMap(name)); err != nil {
		return err
	}
	select {
	case event := <-events.ResultChan():
		got, ok := event.Object.(*corev1.ConfigMap)
		if event.Type != watch.Added || !ok || got.Data["who"] != name {
			return fmt.Errorf("the watch said %v %v", event.Type, event.Object)
		}
	case <-time.After(20 * time.Second):
		return errors.New("the watch said nothing")
	}
	var list corev1.ConfigMapList
	if err := c.List(ctx, &list, client.InNamespace("default")); err != nil {
		return err
	}
	if len(list.Items) != 1 || list.Items[0].Name != name {
		return fmt.Errorf("the cluster holds %d objects, not only its own", len(list.Items))
	}
	return nil
}

func one() {
	env := &envtest.Environment{}
	begin := time.Now()
	_, err := env.Start()
	if !check("envtest starts", err) {
		return
	}
	fmt.Printf("# Environment.Start: %v (it looks every 100 ms)\n", time.Since(begin).Round(time.Millisecond))
	check("create, list and watch", useCluster(env, "one"))
	check("a user that envtest adds has its name and no rights", addedUser(env))
	check("kubectl of the folder", kubectl(env))
	check("the API server alone starts again and has its objects", restart(env))
	check("envtest stops", env.Stop())
	check("no process and no file stays", nothingLeft())
}

func addedUser(env *envtest.Environment) error {
	user, err := env.AddUser(envtest.User{Name: "somebody", Groups: []string{"people"}}, nil)
	if err != nil {
		return err
	}
	c, err := kubernetes.NewForConfig(user.Config())
	if err != nil {
		return err
	}
	_, err = c.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "somebody"`) {
		return fmt.Errorf("a list said: %v", err)
	}
	return nil
}

func kubectl(env *envtest.Environment) error {
	if _, err := os.Stat(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl")); err != nil {
		fmt.Println("# there is no kubectl on this machine")
		return nil
	}
	out, complaints, err := env.ControlPlane.KubeCtl().Run("get", "configmap", "one", "-o", "jsonpath={.data.who}")
	if err != nil {
		return err
	}
	text, said := new(strings.Builder), new(strings.Builder)
	if _, err := fmt.Fprint(text, out); err != nil {
		return err
	}
	fmt.Fprint(said, complaints)
	if text.String() != "one" {
		return fmt.Errorf("it said %q, %q", text, said)
	}
	return nil
}

func restart(env *envtest.Environment) error {
	server := env.ControlPlane.APIServer
	dir := server.CertDir
	process := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kube-apiserver"), "--version")
	if out, err := process.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "Kubernetes v1.") {
		return fmt.Errorf("--version said %q, %v", out, err)
	}
	if err := server.Stop(); err != nil {
		return err
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		return fmt.Errorf("%s is still there: %v", dir, err)
	}
	if err := server.Start(); err != nil {
		return err
	}
	user, err := env.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return err
	}
	c, err := client.New(user.Config(), client.Options{})
	if err != nil {
		return err
	}
	var got corev1.ConfigMap
	return c.Get(ctx, client.ObjectKey{Namespace: "default", Name: "one"}, &got)
}

// A definition that envtest installs, and an object of it.
func custom() {
	env := &envtest.Environment{CRDDirectoryPaths: []string{os.Getenv("CRDS")}, ErrorIfCRDPathMissing: true}
	if _, err := env.Start(); !check("envtest installs a custom resource definition", err) {
		return
	}
	c, err := client.New(env.Config, client.Options{})
	if err == nil {
		err = useBoats(c)
	}
	check("objects of it are defaulted, validated and listed", err)
	check("its APIService is registered", eventually("the APIService", func() error {
		service := &unstructured.Unstructured{}
		service.SetAPIVersion("apiregistration.k8s.io/v1")
		service.SetKind("APIService")
		if err := c.Get(ctx, client.ObjectKey{Name: "v1.envtest.example.org"}, service); err != nil {
			return err
		}
		if service.GetLabels()["kube-aggregator.kubernetes.io/automanaged"] != "true" {
			return fmt.Errorf("its labels are %v", service.GetLabels())
		}
		return nil
	}))
	check("envtest stops", env.Stop())
}

func boat(name, captain string) *unstructured.Unstructured {
	b := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"captain": captain}}}
	b.SetAPIVersion("envtest.example.org/v1")
	b.SetKind("Boat")
	b.SetNamespace("default")
	b.SetName(name)
	return b
}

func useBoats(c client.Client) error {
	one := boat("one", "Ahab")
	if err := c.Create(ctx, one); err != nil {
		return err
	}
	if sails, _, _ := unstructured.NestedInt64(one.Object, "spec", "sails"); sails != 2 {
		return fmt.Errorf("the created object is %v", one.Object)
	}
	if err := c.Create(ctx, boat("two", "")); !apierrors.IsInvalid(err) {
		return fmt.Errorf("a boat without a captain: %v", err)
	}
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("envtest.example.org/v1")
	list.SetKind("BoatList")
	if err := c.List(ctx, list); err != nil || len(list.Items) != 1 {
		return fmt.Errorf("the list has %d items: %v", len(list.Items), err)
	}
	return nil
}

func many() {
	var group sync.WaitGroup
	errs := make([]error, sideBySide)
	begin := time.Now()
	for i := range errs {
		group.Go(func() {
			env := &envtest.Environment{}
			if _, err := env.Start(); err != nil {
				errs[i] = err
				return
			}
			errs[i] = errors.Join(useCluster(env, fmt.Sprintf("many-%d", i)), env.Stop())
		})
	}
	group.Wait()
	check(fmt.Sprintf("%d side by side, each with its own objects", sideBySide), errors.Join(errs...))
	fmt.Printf("# %d started, used and stopped in %v\n", sideBySide, time.Since(begin).Round(time.Millisecond))
	check("nothing of them stays", nothingLeft())
}

// A test run that is killed cannot stop its cluster.
func killed() {
	self, err := os.Executable()
	if err != nil {
		check("this program knows itself", err)
		return
	}
	child := exec.Command(self, "start-and-wait")
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err == nil {
		_, err = out.Read(make([]byte, 1)) // it has started
	}
	if err == nil && len(leftovers()) != 2 {
		err = fmt.Errorf("running before the kill: %q", leftovers())
	}
	if check("a test run of its own starts a cluster", err) {
		err = errors.Join(child.Process.Kill(), child.Process.Release())
		check("it is killed and its programs end too", errors.Join(err, eventually("after the kill", func() error {
			if left := leftovers(); len(left) > 0 {
				return fmt.Errorf("still running: %q", left)
			}
			return nil
		})))
	}
}

func startAndWait() {
	if _, err := (&envtest.Environment{}).Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println()
	select {}
}

func main() {
	log.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	if len(os.Args) > 1 && os.Args[1] == "start-and-wait" {
		startAndWait()
	}
	one()
	custom()
	many()
	killed()
	fmt.Printf("1..%d\n", count)
	if failed > 0 {
		os.Exit(1)
	}
}
