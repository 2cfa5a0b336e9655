// Command served is a client of a server that was started with policy.yaml. It
// edits one note for two people at once and shows what the second one sees. See
// README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:8080/v1/notes/shopping", "the note to edit; it must not exist yet")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *url); err != nil {
		log.Fatal(err)
	}
}

// run plays Ann and Bob, who both edit the version that they have read.
func run(ctx context.Context, out io.Writer, url string) error {
	if _, err := create(ctx, url, note{"title": "Milk", "done": false}); err != nil {
		return err
	}
	ann, err := read(ctx, url)
	if err != nil {
		return err
	}
	bob, err := read(ctx, url)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Ann and Bob read version %s: %v\n", ann.tag, ann.note)

	ann.note["title"] = "Oat milk"
	tag, err := write(ctx, url, ann)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Ann corrects the title; that makes %s\n", tag)

	edit := func(n note) { n["done"] = true }
	tag, err = save(ctx, url, bob, edit, func(c *conflict) {
		fmt.Fprintf(out, "Bob is refused: %s\n", c.Title)
		for _, change := range c.Changes {
			fmt.Fprintf(out, "  %s went from %v to %v in version %d\n", change.Path, change.From, change.To, change.Version)
		}
		fmt.Fprintln(out, "He reads again and ticks it off there")
	})
	if err != nil {
		return err
	}
	last, err := read(ctx, url)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "That makes %s: %v\n", tag, last.note)
	return nil
}
