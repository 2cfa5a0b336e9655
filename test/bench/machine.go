package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is what the figures were taken on, as far as the system tells.
type machine struct {
	Processor  string    `json:"processor"`
	Processors int       `json:"processors"`
	Memory     string    `json:"memory"`
	Kernel     string    `json:"kernel"`
	Filesystem string    `json:"filesystem"`
	Fsync      string    `json:"fsync"` // median of writing 4 KiB durably
	Load       string    `json:"load"`  // load average before the first round
	Go         string    `json:"go"`
	Revision   string    `json:"revision"`
	Taken      time.Time `json:"taken"`
}

const unknown = "unknown"

func describeMachine(root, dir string) (machine, error) {
	fsync, err := measureFsync(dir)
	if err != nil {
		return machine{}, err
	}
	return machine{
		Processor:  firstValue("/proc/cpuinfo", "model name"),
		Processors: runtime.NumCPU(),
		Memory:     memorySize(),
		Kernel:     runtime.GOOS + " " + firstLine("/proc/sys/kernel/osrelease"),
		Filesystem: filesystem(dir),
		Fsync:      fsync.Round(time.Microsecond).String(),
		Load:       firstLine("/proc/loadavg"),
		Go:         runtime.Version(),
		Revision:   revision(root),
		Taken:      time.Now().UTC().Truncate(time.Minute),
	}, nil
}

// warning is a sentence for when the machine was not this program's alone, else
// empty.
func (m machine) warning() string {
	var minute float64
	if _, err := fmt.Sscanf(m.Load, "%f", &minute); err != nil || minute < 0.5 {
		return ""
	}
	return fmt.Sprintf("The machine was busy with something else (load average %.1f on %d processors before the first round): "+
		"take these figures again on a quiet one.", minute, m.Processors)
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func firstValue(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(string(text)) {
		if n, v, found := strings.Cut(line, ":"); found && strings.TrimSpace(n) == name {
			return strings.TrimSpace(v)
		}
	}
	return unknown
}

func memorySize() string {
	var kib float64
	if _, err := fmt.Sscanf(firstValue("/proc/meminfo", "MemTotal"), "%f kB", &kib); err != nil {
		return unknown
	}
	return fmt.Sprintf("%.1f GiB", kib/(1<<20))
}

// filesystem is the type of the file system that holds dir: that of the mount
// point which is its longest prefix (proc(5), mountinfo).
func filesystem(dir string) string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return unknown
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	kind, longest := unknown, 0
	for line := range strings.Lines(string(text)) {
		left, right, found := strings.Cut(line, " - ")
		mount, fs := strings.Fields(left), strings.Fields(right)
		if !found || len(mount) < 5 || len(fs) == 0 {
			continue
		}
		point := strings.TrimSuffix(mount[4], "/") + "/"
		if strings.HasPrefix(dir+"/", point) && len(point) >= longest {
			kind, longest = fs[0], len(point)
		}
	}
	return kind
}

// measureFsync tells how long a durable write takes, without which the figures
// for writes mean nothing: a disk that answers in microseconds does not sync.
func measureFsync(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]float64, 50)
	for i := range took {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		took[i] = float64(time.Since(start))
	}
	return time.Duration(median(took)), nil
}

// revision is the commit that was measured.
func revision(root string) string {
	cmd := exec.Command("git", "describe", "--always", "--dirty", "--tags")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(out))
}

// makeDir makes the folder for everything that the run writes. Without a parent
// it is the system's temporary folder, or the module's where that one is kept in
// memory, since an fsync there costs nothing.
func makeDir(parent, root string) (string, error) {
	if parent == "" {
		parent = os.TempDir()
		if filesystem(parent) == "tmpfs" {
			parent = root
		}
	}
	dir, err := os.MkdirTemp(parent, "ifmatch-bench-")
	if err != nil {
		return "", fmt.Errorf("make the benchmark's folder: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("name the benchmark's folder: %w", err)
	}
	if fs := filesystem(dir); fs == "tmpfs" {
		return "", fmt.Errorf("%s is in memory, where fsync is free: choose a folder on a disk with -dir (%w)", parent, os.Remove(dir))
	}
	return dir, nil
}
