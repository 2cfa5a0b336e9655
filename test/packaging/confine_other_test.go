//go:build !linux

package packaging_test

import "os/exec"

// confine has the process fail to start, as there is no root to give to it.
func confine(c *exec.Cmd, _ string) { c.Path = "" }
