// Command kubernetes increments one counter from eight writers with the Kubernetes
// client and its retry helper, as they come. The counter's version is where that
// client expects it, at /metadata/resourceVersion.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

const (
	writers    = 8
	increments = 25
)

var counters = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "counters"}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(url string) error {
	client, err := dynamic.NewForConfig(&rest.Config{Host: url, QPS: -1})
	if err != nil {
		return err
	}
	objects := client.Resource(counters).Namespace("default")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := make(chan error)
	for range writers {
		go func() {
			var failed error
			for range increments {
				failed = errors.Join(failed, increment(ctx, objects))
			}
			done <- failed
		}()
	}
	for range writers {
		err = errors.Join(err, <-done)
	}
	if err != nil {
		return err
	}
	object, err := objects.Get(ctx, "hits", metav1.GetOptions{})
	if err != nil {
		return err
	}
	count, _, err := unstructured.NestedInt64(object.Object, "spec", "count")
	fmt.Printf("count %d, resourceVersion %s\n", count, object.GetResourceVersion())
	return err
}

// increment reads, adds one, and writes back what was read, until nobody came
// between.
func increment(ctx context.Context, objects dynamic.ResourceInterface) error {
	patience := wait.Backoff{Steps: 100, Duration: time.Millisecond, Factor: 1.2, Jitter: 0.5, Cap: 100 * time.Millisecond}
	return retry.RetryOnConflict(patience, func() error {
		object, err := objects.Get(ctx, "hits", metav1.GetOptions{})
		if err != nil {
			return err
		}
		count, _, err := unstructured.NestedInt64(object.Object, "spec", "count")
		if err != nil {
			return err
		}
		if err := unstructured.SetNestedField(object.Object, count+1, "spec", "count"); err != nil {
			return err
		}
		_, err = objects.Update(ctx, object, metav1.UpdateOptions{})
		return err
	})
}
