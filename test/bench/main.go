// Command bench measures Gatehouse over HTTP: durable writes, look-ups, assignments, provisioning, credentials, sign-ins, an initial load by
// SCIM and the listings of a large estate, on SQLite in a temporary directory. Server and clients share the machine, so the figures are
// lower bounds; compare them as ratios on one machine. It is not a test: nothing here passes or fails by time.
//
// # Reading it
//
// Each line is a scenario, how many operations a second were answered, how many for each second of CPU that server and clients used
// together (which other load on the machine disturbs less), and the 50th and 99th percentile of the time to an answer. Listings have a
// table of their own: the time to the first and to the last full page, and how many times longer the last one takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
)

var (
	clients  = flag.Int("clients", 8, "how many clients ask at the same time")
	quick    = flag.Bool("quick", false, "one second per scenario and small stores")
	each     = flag.Duration("each", 0, "how long to measure each scenario (default: five seconds, or one with --quick)")
	only     = flag.String("only", "", "a part of a scenario's name: measure only those")
	stages   = flag.String("stages", "users,assignments,signin,load,estate,plan,offline", "which stages to run, separated by commas")
	keep     = flag.String("estate", "", "a directory for the large estate: built there if it is not there yet, and kept (default: a temporary one)")
	database = flag.String("database", "", "the URL of an empty PostgreSQL database to measure instead of SQLite, one stage at a time; its own CPU time is not counted")
	profile  = flag.String("cpuprofile", "", "write a CPU profile of all of it to this file")
)

func main() {
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		_ = pprof.StartCPUProfile(f) // it fails only when one is running
		defer pprof.StopCPUProfile()
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	engine := "SQLite with synchronous=FULL"
	if *database != "" {
		engine = "PostgreSQL"
	}
	fmt.Printf("%d cores, %s %s/%s, %s, %d clients in the same process\n\n", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, engine, *clients)
	fmt.Printf("%-52s %10s %14s %10s %10s\n", "scenario", "per second", "per CPU second", "p50", "p99")
	known := map[string]func(context.Context) error{"users": allUsers, "assignments": assignments, "signin": signIns, "load": initialLoad, "estate": largeEstate, "plan": planning, "offline": offline}
	if *database != "" && (strings.Contains(*stages, ",") || *stages == "estate") {
		return errors.New("--database measures one stage at a time, and not the estate: it is built in SQLite")
	}
	for name := range strings.SplitSeq(*stages, ",") {
		if known[name] == nil {
			return fmt.Errorf("there is no stage %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := known[name](ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
