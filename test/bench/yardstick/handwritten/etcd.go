package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// etcdStore keeps a document under PREFIX/docs/ID, whose version etcd counts, and what
// it was under PREFIX/history/ID/VERSION.
type etcdStore struct {
	client *clientv3.Client
	prefix string
}

func openEtcd(where string) (store, error) {
	hosts, prefix, _ := strings.Cut(where, "/")
	client, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(hosts, ","), DialTimeout: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	return &etcdStore{client, prefix}, nil
}

func (s *etcdStore) key(id string) string { return s.prefix + "/docs/" + id }

func (s *etcdStore) read(ctx context.Context, id string) (version int64, body []byte, err error) {
	got, err := s.client.Get(ctx, s.key(id))
	switch {
	case err != nil:
		return 0, nil, err
	case len(got.Kvs) == 0:
		return 0, nil, errAbsent
	}
	return got.Kvs[0].Version, got.Kvs[0].Value, nil
}

func (s *etcdStore) create(ctx context.Context, id string, body []byte) error {
	return s.replace(ctx, id, 0, body)
}

func (s *etcdStore) replace(ctx context.Context, id string, version int64, body []byte) error {
	key := s.key(id)
	done, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.Version(key), "=", version)).
		Then(clientv3.OpPut(key, string(body)), clientv3.OpPut(fmt.Sprintf("%s/history/%s/%d", s.prefix, id, version+1), string(body))).
		Commit()
	switch {
	case err != nil:
		return err
	case !done.Succeeded:
		return errStale
	}
	return nil
}
