package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// What the kernel says of the server's processes and of this one.

// cpuOf is the time a process has computed, user and system, of all its threads. The process's own clock is asked for, which has
// nanoseconds where /proc/PID/stat has hundredths of a second; both are the same sum.
func cpuOf(pid int) time.Duration {
	var ts syscall.Timespec
	clock := uintptr(^pid<<3 | 2) // as clock_getcpuclockid(3) makes it
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0); errno == 0 {
		return time.Duration(ts.Nano())
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

func ownCPU() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// switchesOf counts the context switches of the threads that a process has now.
func switchesOf(pid int) int64 {
	var sum int64
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		for name, value := range numbersOf(file) {
			if strings.HasSuffix(name, "ctxt_switches") {
				sum += value
			}
		}
	}
	return sum
}

// numbersOf reads lines of the form "Name: 123 kB".
func numbersOf(file string) map[string]int64 {
	all := map[string]int64{}
	f, err := os.Open(file)
	if err != nil {
		return all
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		if value, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			all[name] = value
		}
	}
	return all
}

// memory in KiB: resident, and of it anonymous (what no file backs, so that the kernel cannot take it back).
func memoryOf(pids []int) (resident, anonymous int64) {
	for _, pid := range pids {
		m := numbersOf(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		resident += m["Rss"]
		anonymous += m["Anonymous"]
	}
	return
}

// A meter says what an interval cost on both sides.
type meter struct {
	pids     []int
	at       time.Time
	server   time.Duration
	own      time.Duration
	switches int64
}

func startMeter(pids []int) *meter {
	m := &meter{pids: pids, own: ownCPU()}
	for _, pid := range pids {
		m.server += cpuOf(pid)
		m.switches += switchesOf(pid)
	}
	m.at = time.Now()
	return m
}

type cost struct {
	wall, server, own time.Duration
	switches          int64
}

func (m *meter) stop() cost {
	now := startMeter(m.pids)
	return cost{now.at.Sub(m.at), now.server - m.server, now.own - m.own, now.switches - m.switches}
}

// share of all cores, in percent
func (c cost) share(d time.Duration) float64 {
	return 100 * float64(d) / float64(c.wall) / float64(runtime.NumCPU())
}
