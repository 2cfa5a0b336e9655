package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ifmatch/ifmatch/internal/store"
)

// codeOf returns the code of an error of the client.
func codeOf(err error) codes.Code {
	var known rpctypes.EtcdError
	switch {
	case errors.As(err, &known):
		return known.Code()
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	return status.Code(err)
}

// classify wraps an error of the client in the store's error of its class. Where the
// context is what ended, that is the error.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	switch {
	case errors.Is(err, rpctypes.ErrNoSpace):
		return fmt.Errorf("%w: compact and defragment etcd, raise its quota, then disarm its alarm: %w", store.ErrFull, err)
	case errors.Is(err, rpctypes.ErrRequestTooLarge), errors.Is(err, rpctypes.ErrTooManyOps):
		return fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	case errors.Is(err, rpctypes.ErrTooManyRequests):
		return fmt.Errorf("%w: %w", store.ErrContended, err)
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return fmt.Errorf("%w: grant the user of the store's address all keys under its prefix: %w", store.ErrReadOnly, err)
	}
	switch codeOf(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// leftNothing tells whether a transaction that failed with err has not happened and
// will not. After any other error it may yet, unless another one took its place.
func leftNothing(err error) bool {
	switch codeOf(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.ResourceExhausted, codes.Unauthenticated, codes.FailedPrecondition, codes.Unimplemented:
		return true
	}
	return false
}

// isRefusal tells whether err judges a commit, rather than telling of a failure of
// storage.
func isRefusal(err error) bool {
	switch err.(type) {
	case *store.StaleError, *store.TakenError, *store.LockedError, *store.ReplayedError:
		return true
	}
	return errors.Is(err, store.ErrKeyMismatch) || errors.Is(err, store.ErrLeaseExpired) || errors.Is(err, store.ErrInvalid)
}
