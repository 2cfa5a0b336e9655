// Package packaging_test holds the ways in which the program is delivered against the
// program: the container image's rules and build, and the unit of systemd.
package packaging_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var root = filepath.Join("..", "..")

// instruction is one of a Dockerfile, its lines joined.
type instruction struct{ name, args string }

func dockerfile(t *testing.T) (build, image []instruction) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	var stages [][]instruction
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, args, _ := strings.Cut(line, " ")
		if name == "FROM" {
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{name, strings.TrimSpace(args)})
	}
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages, want one to build and one to run", len(stages))
	}
	return stages[0], stages[1]
}

// only returns the arguments of the one instruction of a name.
func only(t *testing.T, stage []instruction, name string) string {
	t.Helper()
	var found []string
	for _, i := range stage {
		if i.name == name {
			found = append(found, i.args)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d times %s: %q, want once", len(found), name, found)
	}
	return found[0]
}

// TestImage: the image has nothing in it but the program, which is not root, and in
// which no shell has a part.
func TestImage(t *testing.T) {
	build, image := dockerfile(t)
	if from := only(t, image, "FROM"); from != "scratch" {
		t.Errorf("it is made from %s, want scratch", from)
	}
	if user := only(t, image, "USER"); !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(user) {
		t.Errorf("USER %s: want numbers, which need no file to look them up in, and not 0", user)
	}
	for _, name := range []string{"ENTRYPOINT", "CMD", "VOLUME"} {
		if args := only(t, image, name); !strings.HasPrefix(args, "[") {
			t.Errorf("%s %s: want a JSON array; the other form needs a shell", name, args)
		}
	}
	if check := only(t, image, "HEALTHCHECK"); !strings.HasSuffix(check, ` CMD ["/ifmatch", "health"]`) {
		t.Errorf("HEALTHCHECK %s", check)
	}
	for _, i := range slices.Concat(build, image) {
		if i.name == "ADD" || i.name == "RUN" && strings.Contains(i.args, "sudo") {
			t.Errorf("%s %s", i.name, i.args)
		}
	}
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(gomod)
	if from := only(t, build, "FROM"); !strings.Contains(from, " golang:"+string(version[1])+" AS build") {
		t.Errorf("it is built FROM %s, and go.mod wants %s", from, version[1])
	}
}

// TestHadolint asks the linter for Dockerfiles.
func TestHadolint(t *testing.T) {
	if _, err := exec.LookPath("hadolint"); err != nil {
		t.Skip("SKIPPED, NOT CHECKED: hadolint is not installed, so the Dockerfile was held against the rules of this package alone")
	}
	if out, err := exec.CommandContext(t.Context(), "hadolint", filepath.Join(root, "Dockerfile")).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// built builds the program as the image has it, and returns its path.
func built(t *testing.T) string {
	t.Helper()
	stage, _ := dockerfile(t)
	command := ""
	for _, i := range stage {
		if i.name == "RUN" && strings.Contains(i.args, "go build") {
			command = i.args
		}
	}
	program := filepath.Join(t.TempDir(), "ifmatch")
	command = strings.Replace(command, "-o /out/ifmatch", "-o "+program, 1)
	build := exec.CommandContext(t.Context(), "sh", "-c", command)
	build.Dir = root
	build.Env = append(os.Environ(), "TARGETOS=", "TARGETARCH=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	return program
}

// TestStaticBuild: the program needs no other file, and runs where there is none.
func TestStaticBuild(t *testing.T) {
	program := built(t)
	file, err := elf.Open(program)
	if _, other := errors.AsType[*elf.FormatError](err); other {
		t.Skip("SKIPPED, NOT CHECKED: programs are no ELF files here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has %v: it would look for libraries", p.Type)
		}
	}
	runsAlone(t, program)
}

// environment is what the image sets, but for the port.
func environment(t *testing.T, port string) []string {
	t.Helper()
	_, image := dockerfile(t)
	var env []string
	for _, one := range strings.Fields(only(t, image, "ENV")) {
		env = append(env, strings.Replace(one, ":8080", ":"+port, 1))
	}
	return append(env, "IFMATCH_INSECURE=true")
}

// runsAlone runs the program in a root that holds it and an empty folder for its data,
// as nobody, asks it with itself, and ends it.
func runsAlone(t *testing.T, program string) {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Link(program, filepath.Join(dir, "ifmatch")), os.Mkdir(filepath.Join(dir, "data"), 0o777), os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "data"), 0o777)); err != nil {
		t.Fatal(err)
	}
	env := environment(t, freePort(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, "/ifmatch", "serve")
	var said bytes.Buffer
	server.Env, server.Stdout, server.Stderr = env, &said, &said
	confine(server, dir)
	if err := server.Start(); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: no process may have a root of its own here, so the program was not run in an empty one: %v", err)
	}
	for {
		health := exec.CommandContext(ctx, "/ifmatch", "health", "--ready")
		health.Env = env
		confine(health, dir)
		out, err := health.CombinedOutput()
		if err == nil && string(out) == "ok\n" {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("it never is healthy: %s: %s", out, &said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := errors.Join(server.Process.Signal(os.Interrupt), server.Wait()); err != nil {
		t.Errorf("it ends with %v: %s", err, &said)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "ifmatch.db")); err != nil {
		t.Errorf("its documents are not in the volume: %v", err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return port
}
