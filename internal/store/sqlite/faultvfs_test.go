package sqlite

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// faultVFS is SQLite's own file layer with a disk in between, which knows what
// was made durable and can fail. It differs from the original in xOpen and
// xDelete, and its files in what changes them.
type faultVFS struct {
	base uintptr // the original
	disk *disk
}

// faultFile is one open file.
type faultFile struct {
	base     *lib.Tsqlite3_io_methods // the original's
	disk     *disk
	path     string
	node     *inode
	syncsDir bool // the first flush of a log that was made also flushes its folder
}

// SQLite hands addresses back, and through these they become values again.
var (
	faultVFSs  sync.Map // address of the file layer → *faultVFS
	faultFiles sync.Map // address of SQLite's file → *faultFile
	vfsNumber  atomic.Int64
)

// newFaultVFS registers a file layer over d and returns its name. SQLite has no
// way to know that nobody uses it any more, so it stays registered.
func newFaultVFS(t *testing.T, d *disk) string {
	t.Helper()
	tls := libc.NewTLS()
	defer tls.Close()
	v := &faultVFS{base: lib.Xsqlite3_vfs_find(tls, 0), disk: d}
	if v.base == 0 {
		t.Fatal("SQLite has no default file layer")
	}
	name := fmt.Sprintf("fault-%d", vfsNumber.Add(1))
	cname, err := libc.CString(name)
	if err != nil {
		t.Fatal(err)
	}
	address := clone(tls, at[lib.Tsqlite3_vfs](v.base))
	vfs := at[lib.Tsqlite3_vfs](address)
	vfs.FpNext, vfs.FzName = 0, cname
	vfs.FxOpen, vfs.FxDelete = pointer(faultOpen), pointer(faultDelete)
	faultVFSs.Store(address, v)
	if code := lib.Xsqlite3_vfs_register(tls, address, 0); code != lib.SQLITE_OK {
		t.Fatalf("SQLite refuses the file layer: %d", code)
	}
	return name
}

// clone copies a value to where SQLite may point at it, for good.
func clone[T any](tls *libc.TLS, value *T) uintptr {
	address := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*value)))
	*at[T](address) = *value
	return address
}

// faultMethods are a file's methods with those of a fault file in between.
var faultMethods sync.Map // address of the original's → address

func methodsOver(tls *libc.TLS, base uintptr) uintptr {
	if known, ok := faultMethods.Load(base); ok {
		return known.(uintptr)
	}
	address := clone(tls, at[lib.Tsqlite3_io_methods](base))
	m := at[lib.Tsqlite3_io_methods](address)
	m.FxClose, m.FxWrite = pointer(faultClose), pointer(faultWrite)
	m.FxTruncate, m.FxSync = pointer(faultTruncate), pointer(faultSync)
	known, _ := faultMethods.LoadOrStore(base, address)
	return known.(uintptr)
}

// at is what lies at an address that SQLite gave.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer is a function as SQLite's translated code calls it, and function its
// reverse: the address of a Go function value that is never freed.
func pointer(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }

func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	writeFunc    = func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
)

func vfsAt(address uintptr) *faultVFS {
	v, _ := faultVFSs.Load(address)
	return v.(*faultVFS)
}

func fileAt(address uintptr) *faultFile {
	f, _ := faultFiles.Load(address)
	return f.(*faultFile)
}

const logTypes = lib.SQLITE_OPEN_WAL | lib.SQLITE_OPEN_MAIN_JOURNAL

func faultOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	v := vfsAt(vfs)
	open := function[openFunc](at[lib.Tsqlite3_vfs](v.base).FxOpen)
	if name == 0 || flags&(logTypes|lib.SQLITE_OPEN_MAIN_DB) == 0 {
		return open(tls, v.base, name, file, flags, outFlags) // a temporary file
	}
	path := libc.GoString(name)
	if code := v.disk.step(opOpen, path); code != lib.SQLITE_OK {
		return code
	}
	before, err := os.ReadFile(path)
	code := open(tls, v.base, name, file, flags, outFlags)
	if code != lib.SQLITE_OK {
		return code
	}
	opened := at[lib.Tsqlite3_file](file)
	faultFiles.Store(file, &faultFile{
		base: at[lib.Tsqlite3_io_methods](opened.FpMethods), disk: v.disk, path: path, node: v.disk.open(path, before, err == nil),
		syncsDir: flags&logTypes != 0 && flags&lib.SQLITE_OPEN_CREATE != 0,
	})
	opened.FpMethods = methodsOver(tls, opened.FpMethods)
	return code
}

func faultDelete(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	v := vfsAt(vfs)
	path := libc.GoString(name)
	if code := v.disk.step(opDelete, path); code != lib.SQLITE_OK {
		return code
	}
	code := function[deleteFunc](at[lib.Tsqlite3_vfs](v.base).FxDelete)(tls, v.base, name, syncDir)
	if code == lib.SQLITE_OK {
		v.disk.remove(path, syncDir != 0)
	}
	return code
}

func faultClose(tls *libc.TLS, file uintptr) int32 {
	f := fileAt(file)
	faultFiles.Delete(file)
	return function[closeFunc](f.base.FxClose)(tls, file)
}

func faultWrite(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := fileAt(file)
	if code := f.disk.step(opWrite, f.path); code != lib.SQLITE_OK {
		return code
	}
	code := function[writeFunc](f.base.FxWrite)(tls, file, data, n, offset)
	if code == lib.SQLITE_OK {
		f.disk.change(f.node, change{offset: offset, data: libc.GoBytes(data, int(n))})
	}
	return code
}

func faultTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := fileAt(file)
	if code := f.disk.step(opTruncate, f.path); code != lib.SQLITE_OK {
		return code
	}
	code := function[truncateFunc](f.base.FxTruncate)(tls, file, size)
	if code == lib.SQLITE_OK {
		f.disk.change(f.node, change{offset: size, truncate: true})
	}
	return code
}

func faultSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := fileAt(file)
	before := f.disk.pending(f.node)
	if code := f.disk.step(opSync, f.path); code != lib.SQLITE_OK {
		f.disk.fail(f.node, before)
		return code
	}
	code := function[syncFunc](f.base.FxSync)(tls, file, flags)
	if code == lib.SQLITE_OK {
		f.disk.sync(f.node, before, f.syncsDir)
		f.syncsDir = false
	}
	return code
}
