package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// What a service manager is told (sd_notify(3)).
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
	notifyAlive    = "WATCHDOG=1"
)

// notify tells the service manager what has become of this process, where one has
// started it and wants to know.
func notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

// tell is notify for what goes on without it.
func tell(log *slog.Logger, state string) {
	if err := notify(state); err != nil {
		log.Warn("the service manager cannot be told", "state", state, "cause", err)
	}
}

// watchdogEvery returns how often the service manager wants a sign of life, twice in
// the time that it waits for one; 0 for never.
func watchdogEvery() time.Duration {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	if err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

// watchdog gives signs of life until ctx ends. It asks the server over its own socket:
// one that runs and answers nobody is restarted too.
func watchdog(ctx context.Context, every time.Duration, self probe, log *slog.Logger) {
	repeat(ctx, every, func() {
		asking, cancel := context.WithTimeout(ctx, every)
		defer cancel()
		if err := self.ask(asking, "/healthz"); err == nil {
			tell(log, notifyAlive)
		} else if ctx.Err() == nil {
			log.Error("the server does not answer itself, so the watchdog hears nothing", "cause", err)
		}
	})
}
