// Command limits stands before a Gatehouse server and holds whoever speaks with it to AWS's limits, as a program of its own for scripts: 20 calls a second of
// sso-admin and the identity store together, 15 assignment requests under way of which one for each role, some calls refused for no reason, requests that take a while.
// GET /limits/stats tells what it has seen.
//
//	go run ./test/limits -listen 127.0.0.1:9000 -server http://127.0.0.1:8080
package main

import (
	"encoding/json"
	"flag"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"gatehouse/internal/plan/livetest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address to listen on")
	server := flag.String("server", "", "URL of the server")
	rate := flag.Int("rate", 20, "calls a second")
	takes := flag.Duration("takes", 300*time.Millisecond, "how long an assignment request takes, half of it more or less")
	seed := flag.Uint64("seed", 1, "of what is refused and how long requests take")
	flag.Parse()
	to, err := url.Parse(*server)
	if err != nil || to.Host == "" {
		log.Fatalf("-server %q is no URL", *server)
	}
	proxy := &livetest.Proxy{
		Next: &http.Transport{MaxIdleConnsPerHost: 64}, Rate: *rate, Outstanding: 15, Throttled: 0.01, Conflicting: 0.01, Takes: *takes, Varies: 0.5,
		Latency: 5 * time.Millisecond, Random: rand.New(rand.NewPCG(*seed, 0)),
	}
	// The host stays as the client wrote it: it has signed it.
	handler := &httputil.ReverseProxy{Transport: proxy, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
	http.HandleFunc("GET /limits/stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(proxy.Stats()) // whoever has gone does not want it
	})
	http.Handle("/", handler)
	log.Fatal((&http.Server{Addr: *listen, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe())
}
