package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DefaultSchema is where the tables lie, unless the DSN names another search_path.
const DefaultSchema = "ifmatch"

// pools are the connections of one store: those that read, and those that commit.
// They are apart so that a reader waits for no commit.
type pools struct {
	read, write *pgxpool.Pool
	schema      string
	database    string
	user        string
	address     string // for sentences
	// unreplicated counts the warnings that a commit did not wait for its standbys.
	unreplicated atomic.Int64
}

// parse reads a DSN. It has every connection ask for a server that takes writes, so
// that after a failover the new primary is found.
func parse(dsn string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, describeDSN(err)
	}
	cc := c.ConnConfig
	if cc.ValidateConnect == nil {
		cc.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = 5 * time.Second
	}
	schema := strings.TrimSpace(cc.RuntimeParams["search_path"])
	if schema == "" {
		schema = DefaultSchema
	}
	if strings.ContainsAny(schema, `,"$`) {
		return nil, fmt.Errorf("postgres: search_path %s names more than one schema, or one that needs quotes; name one plain schema for ifmatch", schema)
	}
	cc.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	if cc.RuntimeParams["application_name"] == "" {
		cc.RuntimeParams["application_name"] = "ifmatch"
	}
	cc.RuntimeParams["client_encoding"] = "UTF8"
	cc.RuntimeParams["jit"] = "off" // compiling costs more than any statement of ours
	return c, nil
}

// open makes the pools. It connects to nothing yet.
func openPools(ctx context.Context, dsn string, o *Options) (*pools, error) {
	c, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	p := &pools{
		schema:   strings.Trim(c.ConnConfig.RuntimeParams["search_path"], `"`),
		database: c.ConnConfig.Database,
		user:     c.ConnConfig.User,
		address:  fmt.Sprintf("%s:%d", c.ConnConfig.Host, c.ConnConfig.Port),
	}
	c.ConnConfig.OnNotice = p.notice(o.Logger)
	c.MaxConnIdleTime = 5 * time.Minute
	write := c.Copy()
	c.MaxConns = int32(o.Readers)
	write.MaxConns = int32(o.Writers)
	// A commit finds its rows by their keys, however many there are when it is planned.
	for _, off := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
		write.ConnConfig.RuntimeParams[off] = "off"
	}
	write.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	if p.read, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return nil, err
	}
	if p.write, err = pgxpool.NewWithConfig(ctx, write); err != nil {
		p.read.Close()
		return nil, err
	}
	return p, nil
}

// notice looks at what the server says beside its answers.
func (p *pools) notice(log *slog.Logger) pgconn.NoticeHandler {
	return func(_ *pgconn.PgConn, n *pgconn.Notice) {
		// A commit that did not wait for its standbys is here and may not be there.
		if n.SeverityUnlocalized == "WARNING" && (n.Code == codeQueryCanceled || n.Code == codeAdminShutdown) {
			p.unreplicated.Add(1)
		}
		if n.SeverityUnlocalized == "WARNING" {
			log.Warn("PostgreSQL warns", "code", n.Code, "message", n.Message)
		}
	}
}

func (p *pools) close() {
	p.write.Close()
	p.read.Close()
}
