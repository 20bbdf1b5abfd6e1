// Protobuf as Go's own types have it: over every built-in kind with random content, the bytes that Coxswain writes and reads are
// compared with those of the published k8s.io/api; then a server is asked, and client-go works on protobuf alone.
//
//	protobuf [-each N] [-transcoder PROGRAM] [-kubeconfig FILE -samples FILE]
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

var done, failed int

func report(ok bool, claim, why string) {
	done++
	word := "ok"
	if !ok {
		word, failed = "not ok", failed+1
	}
	fmt.Printf("%s %d - %s\n", word, done, claim)
	if !ok && why != "" {
		fmt.Printf("# %s\n", strings.ReplaceAll(why, "\n", "\n# "))
	}
}

func skip(claim, why string) {
	done++
	fmt.Printf("ok %d - %s # SKIP %s\n", done, claim, why)
}

// The group-versions that Coxswain serves.
var builtIn = map[string]bool{}

func init() {
	for _, gv := range strings.Fields(`v1 admissionregistration.k8s.io/v1 apiextensions.k8s.io/v1 apiregistration.k8s.io/v1 apps/v1
		authentication.k8s.io/v1 authorization.k8s.io/v1 autoscaling/v1 autoscaling/v2 batch/v1 certificates.k8s.io/v1
		coordination.k8s.io/v1 discovery.k8s.io/v1 events.k8s.io/v1 flowcontrol.apiserver.k8s.io/v1 networking.k8s.io/v1
		node.k8s.io/v1 policy/v1 rbac.authorization.k8s.io/v1 resource.k8s.io/v1 scheduling.k8s.io/v1 storage.k8s.io/v1`) {
		builtIn[gv] = true
	}
}

func main() {
	each := flag.Int("each", 20, "random objects of each kind")
	transcoder := flag.String("transcoder", "", "the program coxswain-transcode")
	kubeconfig := flag.String("kubeconfig", "", "of a cluster that may be thrown away")
	samples := flag.String("samples", "../objects.yaml", "one object of each kind")
	flag.Parse()
	if *transcoder != "" {
		testTranscoder(*transcoder, *each)
	}
	if *kubeconfig != "" {
		testServer(*kubeconfig, *samples)
	}
	fmt.Printf("1..%d\n", done)
	if failed > 0 {
		os.Exit(1)
	}
}
