// Command guarded is a service whose notes live in its own SQL tables behind
// package guard. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/examples/guarded/notes"
	"github.com/ifmatch/ifmatch/guard"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	path := flag.String("db", "notes.db", "SQLite file to keep the notes in")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *listen, *path)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, listen, path string) (err error) {
	s, err := notes.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes(s), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("listening on http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func routes(s *notes.Store) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/notes/{id}", guard.New(s, guard.Options{Actor: user, Log: slog.Default(), OnStale: ifmatch.OnStale{
		Allow: []ifmatch.Strategy{ifmatch.StrategyMerge, ifmatch.StrategyOverwrite},
	}}))
	return mux
}

// user names who makes a request. A real service takes the name from where it
// has checked it; here everybody is who they say.
func user(r *http.Request) string {
	name, _, _ := r.BasicAuth()
	return name
}
