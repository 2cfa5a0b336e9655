// Command ifmatch serves JSON documents that cannot lose an update, and looks
// after the stores they live in. Run it without arguments for help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/alecthomas/kong"
)

type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve documents over HTTP."`
	Health  healthCmd  `cmd:"" help:"Ask a server on this machine how it is."`
	Check   checkCmd   `cmd:"" help:"Check a policy file and print it with every default."`
	Openapi openapiCmd `cmd:"" name:"openapi" help:"Print what a policy serves as a document of OpenAPI 3.1."`
	Verify  verifyCmd  `cmd:"" help:"Check that a store's documents, history, audit, feed and indexes agree."`
	Backup  backupCmd  `cmd:"" help:"Copy a store into a file, also while it is served."`
	Restore restoreCmd `cmd:"" help:"Put a store back from a copy, in a new epoch."`
	Copy    copyCmd    `cmd:"" help:"Copy a store to another one, of the same kind or of a different one."`
	Migrate migrateCmd `cmd:"" help:"Bring a store's schema up to this version."`
	Export  exportCmd  `cmd:"" help:"Write a collection's documents as JSON Lines."`
	Import  importCmd  `cmd:"" help:"Bring documents from JSON Lines into a collection, each under a precondition."`
	Merge   mergeCmd   `cmd:"" help:"Merge two changes of a JSON file, by the rules of a policy file; also as git's merge driver."`
	Key     keyCmd     `cmd:"" help:"Make API keys."`
	Keyring keyringCmd `cmd:"" help:"Look after the keys that sign entity tags and seal the log."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	var c cli
	parser := kong.Must(&c,
		kong.Name("ifmatch"),
		kong.Description("Lost-update protection for HTTP APIs."),
		kong.UsageOnError(),
		kong.Exit(func(code int) { os.Exit(min(code, usageCode)) }), // 0 after help
		kong.BindTo(context.Background(), (*context.Context)(nil)),
	)
	command, err := parser.Parse(asked(os.Args[1:]))
	parser.FatalIfErrorf(err)
	if err := command.Run(); err != nil {
		if errors.Is(err, errConflict) {
			os.Exit(conflictCode)
		}
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "ifmatch:", err)
		}
		if _, ok := errors.AsType[usageError](err); ok {
			os.Exit(usageCode)
		}
		os.Exit(1)
	}
}

// asked returns what is meant by arguments: none ask for help, and help in front of a
// command for that of the command.
func asked(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// usageCode is the exit code of a command that was not understood.
const usageCode = 2

// usageError says what is wrong with arguments that contradict each other.
type usageError string

func (e usageError) Error() string { return string(e) }

// conflictCode is the exit code of a command that lost nothing and did not get
// its way either.
const conflictCode = 9

// errConflict is the error of such a command. It has said so already.
var errConflict = errors.New("conflict")

// errReported is the error of a command that has already said what is wrong.
var errReported = errors.New("reported")
