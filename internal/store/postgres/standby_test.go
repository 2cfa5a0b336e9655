package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/postgres"
)

// warnings have the server say what it says where the wait for a synchronous standby is
// cancelled: the commit is here, and may not be there.
const warnings = `CREATE TABLE warns (for_table text);
	CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF EXISTS (SELECT FROM warns WHERE for_table = TG_TABLE_NAME) THEN
			RAISE WARNING 'canceling wait for synchronous replication due to user request' USING ERRCODE = 'query_canceled';
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER warn AFTER UPDATE ON lanes FOR EACH ROW EXECUTE FUNCTION warn();
	CREATE TRIGGER warn AFTER UPDATE ON meta FOR EACH ROW EXECUTE FUNCTION warn()`

// TestUnreplicated: a commit that may not have reached the standbys is not acknowledged
// before something that was written after it has.
func TestUnreplicated(t *testing.T) {
	dsn := fresh(t)
	s := open(t, dsn, postgres.Options{Patience: 500 * time.Millisecond})
	execute(t, dsn, warnings)
	execute(t, dsn, "INSERT INTO warns VALUES ('lanes'), ('meta')")
	c := put(store.Head{Ref: thing("a"), Next: 1}, "1")
	if r, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrOutcomeUnknown) {
		t.Errorf("no standby has it, and the answer is %+v, %v", r, err)
	}
	execute(t, dsn, "DELETE FROM warns WHERE for_table = 'meta'") // the standbys are there again
	r, err := s.Commit(t.Context(), c)
	if err != nil || r.Heads[0].Rev != 1 {
		t.Errorf("what was written later has reached them, and the answer is %+v, %v", r, err)
	}
	h := r.Heads[0]
	if r, err = s.Commit(t.Context(), put(h, "2")); err != nil || r.Heads[0].Rev != 2 {
		t.Errorf("a commit whose wait was cancelled, with a later one that was not: %+v, %v", r, err)
	}
	if page, err := s.History(t.Context(), thing("a"), 0, 10); err != nil || len(page) != 2 {
		t.Errorf("there are %d log rows, want 2: %v", len(page), err)
	}
}
