package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A cluster of our own, in a temporary folder.
type cluster struct {
	program, dir, data, kubeconfig string
}

func newCluster(bin string) (*cluster, error) {
	if bin == "" {
		return nil, errors.New("give -kubeconfig FILE, or set COXSWAIN_BIN to the folder of Coxswain's programs")
	}
	dir, err := os.MkdirTemp("", "coxswain-bench-")
	if err != nil {
		return nil, err
	}
	return &cluster{filepath.Join(bin, "coxswain"), dir, filepath.Join(dir, "data"), filepath.Join(dir, "kubeconfig")}, nil
}

func (c *cluster) coxswain(args ...string) (string, error) {
	out, err := exec.Command(c.program, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("coxswain %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// up returns how long the command took.
func (c *cluster) up() (time.Duration, error) {
	began := time.Now()
	_, err := c.coxswain("up", "--detach", "--parts", "apiserver", "--data-dir", c.data, "--kubeconfig", c.kubeconfig,
		"--listen", "127.0.0.1:0", "--log-level", "warn")
	return time.Since(began), err
}

func (c *cluster) down() error {
	_, err := c.coxswain("down", "--data-dir", c.data)
	return err
}

func (c *cluster) remove() {
	c.down()
	os.RemoveAll(c.dir)
}

// pids of the server: the lines "apiserver ready PID" of coxswain status.
func (c *cluster) pids() []int {
	out, _ := c.coxswain("status", "--data-dir", c.data)
	var pids []int
	for _, line := range strings.Split(out, "\n") {
		fields := strings.Fields(line)
		if len(fields) >= 3 && fields[0] == "apiserver" && fields[1] == "ready" {
			if pid, err := strconv.Atoi(fields[2]); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// parentOf returns the process that supervises a part.
func parentOf(pid int) int { return int(numbersOf(fmt.Sprintf("/proc/%d/status", pid))["PPid"]) }
