package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"

	"bytes"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The program coxswain-transcode: frames in, frames out.
type transcoder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
}

func startTranscoder(path string) (*transcoder, error) {
	t := &transcoder{cmd: exec.Command(path)}
	var err error
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if t.out, err = t.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return t, t.cmd.Start()
}

func (t *transcoder) stop() error {
	t.in.Close()
	return t.cmd.Wait()
}

func (t *transcoder) ask(op byte, body []byte) ([]byte, error) {
	head := make([]byte, 5)
	head[0] = op
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)))
	if _, err := t.in.Write(append(head, body...)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(t.out, head); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(t.out, answer); err != nil {
		return nil, err
	}
	if head[0] != op {
		return nil, fmt.Errorf("refused: %s", answer)
	}
	return answer, nil
}

// One random object there and back; "" when all is well.
func (t *transcoder) check(m maker, gvk schema.GroupVersionKind) string {
	obj, text, err := m.make(gvk)
	if err != nil {
		return err.Error()
	}
	want, err := encode(obj)
	if err != nil {
		return "Go cannot encode it: " + err.Error()
	}
	got, err := t.ask('e', text)
	if err != nil {
		return err.Error()
	}
	if !bytes.Equal(want, got) {
		return "encoded: " + difference(want, got)
	}
	back, err := t.ask('d', want)
	if err != nil {
		return err.Error()
	}
	return sameObject(gvk, obj, back)
}

func sameObject(gvk schema.GroupVersionKind, want runtime.Object, text []byte) string {
	got, _ := scheme.New(gvk)
	if err := json.Unmarshal(text, got); err != nil {
		return "decoded: Go cannot read it: " + err.Error()
	}
	if equality.Semantic.DeepEqual(want, got) {
		return ""
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	return "decoded: " + difference(a, b)
}

func testTranscoder(path string, each int) {
	t, err := startTranscoder(path)
	if err != nil {
		skip("every kind is encoded as Go encodes it", err.Error())
		return
	}
	m := newMaker(1)
	for _, gvk := range kinds(builtIn) {
		fault := ""
		for i := 0; i < each && fault == ""; i++ {
			fault = t.check(m, gvk)
		}
		report(fault == "", fmt.Sprintf("%d random %s are encoded as Go encodes them, and read again", each, name(gvk)), fault)
	}
	report(t.stop() == nil, "the transcoder ends cleanly", "")
}

func name(gvk schema.GroupVersionKind) string {
	return gvk.GroupVersion().String() + " " + gvk.Kind
}
