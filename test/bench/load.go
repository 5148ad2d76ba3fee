package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gatehouse/internal/app"
)

// initialLoad measures what an identity provider does first: it creates every user and group, and then sends every group's members, 100 with
// each PATCH.
func initialLoad(ctx context.Context) error {
	users, groups, members := 100_000, 10_000, 100
	if *quick {
		users, groups = 5_000, 500
	}
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	_, token, err := s.Directory.CreateToken(ctx, bencher, app.DefaultSource, 0)
	if err != nil {
		return err
	}
	l := loader{s: s, token: token, hc: &http.Client{Transport: transport(64)}}
	fmt.Println()
	began, cpu := time.Now(), spent()
	watch := watchMemory()
	defer watch.stop()
	userIDs, groupIDs := make([]string, users), make([]string, groups)
	part := func(name string, n int, f func(i int) error) error {
		began, cpu := time.Now(), spent()
		if err := many(n, f); err != nil {
			return err
		}
		fmt.Printf("%-52s %10s %10s CPU, resident at most %d MB, %d MB at the end\n", name, time.Since(began).Round(100*time.Millisecond), (spent() - cpu).Round(100*time.Millisecond), watch.most(), resident())
		return nil
	}
	err = part(fmt.Sprintf("SCIM initial load: %d users", users), users, func(i int) (err error) {
		userIDs[i], err = l.send(ctx, "POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"ext-%[1]d","userName":"user-%[1]d@example.com","active":true,"displayName":"User %[1]d","emails":[{"primary":true,"type":"work","value":"user-%[1]d@example.com"}],"name":{"familyName":"User","givenName":"Given"}}`, i))
		return err
	})
	if err != nil {
		return err
	}
	err = part(fmt.Sprintf("SCIM initial load: %d groups", groups), groups, func(i int) (err error) {
		groupIDs[i], err = l.send(ctx, "POST", "/Groups", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"group-%[1]d","displayName":"Group %[1]d"}`, i))
		return err
	})
	if err != nil {
		return err
	}
	err = part(fmt.Sprintf("SCIM initial load: %d memberships", groups*members), groups, func(i int) error {
		values := make([]string, members)
		for j := range members {
			values[j] = `{"value":"` + userIDs[(i*members+j*7919)%users] + `"}`
		}
		_, err := l.send(ctx, "PATCH", "/Groups/"+groupIDs[i], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[`+strings.Join(values, ",")+`]}]}`)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("%-52s %10s %10s CPU\n\n", "SCIM initial load, all of it", time.Since(began).Round(100*time.Millisecond), (spent() - cpu).Round(100*time.Millisecond))
	return nil
}

type loader struct {
	s     *stage
	token string
	hc    *http.Client
}

// send returns the id of what was answered.
func (l loader) send(ctx context.Context, method, path, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.s.url+"/scim/"+app.DefaultSource+"/v2"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+l.token)
	req.Header.Set("Content-Type", "application/scim+json")
	b, err := deliver(l.hc, req)
	if err != nil || len(b) == 0 {
		return "", err
	}
	var out struct{ ID string }
	return out.ID, json.Unmarshal(b, &out)
}

// memoryWatch looks at the memory of this process four times a second.
type memoryWatch struct {
	peak atomic.Int64
	end  chan struct{}
}

func watchMemory() *memoryWatch {
	w := &memoryWatch{end: make(chan struct{})}
	go func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.end:
				return
			case <-tick.C:
				w.peak.Store(max(w.peak.Load(), resident()))
			}
		}
	}()
	return w
}

func (w *memoryWatch) stop() { close(w.end) }

// most returns the most memory since it was asked last, in MB.
func (w *memoryWatch) most() int64 { return max(w.peak.Swap(0), resident()) }

// resident is the memory of this process, server and clients, as the system counts it, in MB; 0 where it cannot be known.
func resident() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kb / 1024
		}
	}
	return 0
}
