package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
)

// server is an API server of our own; `coxswain up` has made its certificates, and then it runs without a supervisor, so that a
// scenario can end it as it likes and start it again on the same port and data.
type server struct {
	data  string
	port  int
	flags []string
	run   *exec.Cmd
	ended chan struct{}
}

var (
	temporary string
	servers   []*server
	lock      sync.Mutex
)

func program(name string) string { return filepath.Join(os.Getenv("COXSWAIN_BIN"), name) }

func startServer(flags ...string) (*server, error) {
	lock.Lock()
	s := &server{data: filepath.Join(temporary, strconv.Itoa(len(servers))), flags: flags}
	servers = append(servers, s)
	lock.Unlock()
	for _, verb := range [][]string{{"up", "--detach", "--parts", "apiserver", "--listen", "127.0.0.1:0"}, {"down"}} {
		command := exec.Command(program("coxswain"), append(verb, "--data-dir", s.data)...)
		command.Env = append(os.Environ(), "HOME="+temporary)
		if out, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("coxswain %s: %v: %s", verb[0], err, out)
		}
	}
	return s, s.start()
}

// start returns when requests are served.
func (s *server) start() error {
	pki := func(name string) string { return filepath.Join(s.data, "pki", name) }
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	var log bytes.Buffer
	s.run = exec.Command(program("coxswain-apiserver"), append([]string{"--data-dir", filepath.Join(s.data, "store"),
		"--listen", "127.0.0.1:" + strconv.Itoa(s.port), "--tls-cert-file", pki("apiserver.crt"), "--tls-private-key-file", pki("apiserver.key"),
		"--client-ca-file", pki("ca.crt"), "--log-level", "warn", "--ready-fd", "3", "--end-with", strconv.Itoa(os.Getpid())}, s.flags...)...)
	s.run.ExtraFiles = []*os.File{theirs}
	s.run.Stderr = &log
	err = s.run.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func(run *exec.Cmd, ended chan struct{}) {
		run.Wait()
		close(ended)
	}(s.run, s.ended)
	said, _ := io.ReadAll(io.LimitReader(ready, 64))
	found := regexp.MustCompile(`^READY (\d+)`).FindSubmatch(said)
	if found == nil {
		<-s.ended
		return fmt.Errorf("the API server did not start: %s", log.String())
	}
	s.port, _ = strconv.Atoi(string(found[1]))
	return nil
}

func (s *server) stop(how syscall.Signal) {
	if s.run != nil && s.run.Process != nil {
		s.run.Process.Signal(how)
		<-s.ended
	}
}

func (s *server) restart(how syscall.Signal) error {
	s.stop(how)
	return s.start()
}

func stopAll() {
	lock.Lock()
	defer lock.Unlock()
	for _, s := range servers {
		if s.run != nil && s.ended != nil {
			s.stop(syscall.SIGKILL)
		}
	}
}

func (s *server) configAt(port int) *rest.Config {
	pki := func(name string) string { return filepath.Join(s.data, "pki", name) }
	return &rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", port),
		QPS:             -1,
		TLSClientConfig: rest.TLSClientConfig{CAFile: pki("ca.crt"), CertFile: pki("admin.crt"), KeyFile: pki("admin.key")},
	}
}

func (s *server) config() *rest.Config { return s.configAt(s.port) }

// relay stands between a client and a server. While it is shut nothing passes: connections end and new ones are refused.
type relay struct {
	listener net.Listener
	to       string
	lock     sync.Mutex
	shut     bool
	open     map[net.Conn]bool
}

func newRelay(port int) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: listener, to: fmt.Sprintf("127.0.0.1:%d", port), open: map[net.Conn]bool{}}
	go r.accept()
	return r, nil
}

func (r *relay) port() int { return r.listener.Addr().(*net.TCPAddr).Port }

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.carry(conn)
	}
}

func (r *relay) enter(conn net.Conn) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.shut {
		r.open[conn] = true
	}
	return !r.shut
}

func (r *relay) carry(near net.Conn) {
	defer near.Close()
	far, err := net.DialTimeout("tcp", r.to, time.Second)
	if err != nil {
		return
	}
	defer far.Close()
	if !r.enter(near) || !r.enter(far) {
		return
	}
	done := make(chan bool, 2)
	pump := func(to, from net.Conn) {
		io.Copy(to, from)
		done <- true
	}
	go pump(near, far)
	go pump(far, near)
	<-done
	r.lock.Lock()
	delete(r.open, near)
	delete(r.open, far)
	r.lock.Unlock()
}

func (r *relay) setShut(shut bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.shut = shut
	if shut {
		for conn := range r.open {
			conn.Close()
		}
	}
}
