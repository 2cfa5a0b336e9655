package main

import "testing"

func TestPasswordOfAStoreIsNotShown(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://me:se:c@ret@a:1/d?sslmode=disable":           "postgres://me:…@a:1/d?sslmode=disable",
		"postgres://a/d?user=me&password=secret&sslmode=disable": "postgres://a/d?user=me&password=…&sslmode=disable",
		"memory:":                         "memory:",
		"sqlite:a:b@c.db":                 "sqlite:a:b@c.db",
		"etcd://a,b:2379/prefix":          "etcd://a,b:2379/prefix",
		"etcd://me:se:c@ret@a,b:1/prefix": "etcd://me:…@a,b:1/prefix",
	} {
		if got := shown(dsn); got != want {
			t.Errorf("%s is shown as %s, want %s", dsn, got, want)
		}
	}
}
