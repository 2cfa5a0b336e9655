package memory_test

import (
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(_ testing.TB, o storetest.OpenOptions) store.Store {
			return memory.Open(memory.Options{Probe: o.Probe, Clock: o.Clock})
		},
	})
}
