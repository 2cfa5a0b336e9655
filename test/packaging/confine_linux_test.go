package packaging_test

import (
	"os"
	"os/exec"
	"syscall"
)

// nobody is who the image's program is.
const nobody = 65532

// confine gives a process a root of its own, in which it is nobody. Without being root
// it is nobody in a user namespace.
func confine(c *exec.Cmd, root string) {
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Geteuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		return
	}
	c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Geteuid(), Size: 1}}
	c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getegid(), Size: 1}}
}
