package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"gatehouse/internal/app"
	"gatehouse/internal/directory"
	"gatehouse/test/process"
)

func allUsers(ctx context.Context) error {
	sizes := []int{0, 50_000, 200_000}
	if *quick {
		sizes = []int{0, 5_000}
	}
	for _, n := range sizes {
		if err := users(ctx, n, n == sizes[len(sizes)-1]); err != nil {
			return err
		}
	}
	return nil
}

// preload makes n users through the service, many at a time. They are those of the identity provider, so that its SCIM client may change them.
func (s *stage) preload(ctx context.Context, n int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				name := fmt.Sprintf("preloaded-%d@example.com", i)
				u := directory.User{UserName: name, DisplayName: name, Active: true, Source: app.DefaultSource, Name: directory.Name{GivenName: "Given", FamilyName: "Family"},
					Emails: []directory.Value{{Value: name, Type: "work", Primary: true}}}
				if _, err := s.Directory.CreateUser(ctx, bencher, u); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func users(ctx context.Context, n int, last bool) error {
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.preload(ctx, n); err != nil {
		return err
	}
	c := s.client()
	err = measure(fmt.Sprintf("CreateUser, durable, at %d users", n), func(client, i int) error {
		name := fmt.Sprintf("new-%d-%d@example.com", client, i)
		return c.Call(ctx, process.IdentityStore, "CreateUser", map[string]any{"IdentityStoreId": s.Instance.IdentityStoreID, "UserName": name, "DisplayName": name,
			"Name": map[string]string{"GivenName": "A", "FamilyName": "B"}, "Emails": []map[string]any{{"Value": name, "Type": "work", "Primary": true}}}, nil)
	})
	if err != nil || !last {
		return err
	}
	err = measure(fmt.Sprintf("GetUserId by name, at %d users", n), func(client, i int) error {
		name := fmt.Sprintf("preloaded-%d@example.com", 1+(client*7919+i*104729)%n)
		return c.Call(ctx, process.IdentityStore, "GetUserId", map[string]any{"IdentityStoreId": s.Instance.IdentityStoreID,
			"AlternateIdentifier": map[string]any{"UniqueAttribute": map[string]string{"AttributePath": "userName", "AttributeValue": name}}}, nil)
	})
	if err != nil {
		return err
	}
	return scim(ctx, s, n)
}

// scim measures what Entra does most.
func scim(ctx context.Context, s *stage, n int) error {
	_, token, err := s.Directory.CreateToken(ctx, bencher, app.DefaultSource, 0)
	if err != nil {
		return err
	}
	hc := &http.Client{Transport: transport(*clients)}
	send := func(method, path, body string) (string, error) {
		req, err := http.NewRequestWithContext(ctx, method, s.url+"/scim/"+app.DefaultSource+"/v2"+path, bytes.NewReader([]byte(body)))
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/scim+json")
		b, err := deliver(hc, req)
		return string(b), err
	}
	err = measure(fmt.Sprintf("SCIM POST /Users, at %d users", n), func(client, i int) error {
		name := fmt.Sprintf("scim-%d-%d@example.com", client, i)
		_, err := send("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"`+name+`","userName":"`+name+`","active":true,"displayName":"A B","emails":[{"primary":true,"type":"work","value":"`+name+`"}],"name":{"familyName":"B","givenName":"A"}}`)
		return err
	})
	if err != nil {
		return err
	}
	us, err := s.Directory.Users(ctx, "", 1000)
	if err != nil {
		return err
	}
	us = slices.DeleteFunc(us, func(u directory.User) bool { return u.Source != app.DefaultSource }) // the client sees its own only
	err = measure(fmt.Sprintf("SCIM PATCH /Users/{id}, at %d users", n), func(client, i int) error {
		u := us[(client*131+i*17)%len(us)]
		_, err := send("PATCH", "/Users/"+u.ID, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"title","value":"t%d-%d"}]}`, client, i))
		return err
	})
	if err != nil {
		return err
	}
	return members(ctx, s, send, us)
}

// members adds and removes one member of a small and of a large group.
func members(ctx context.Context, s *stage, send func(method, path, body string) (string, error), us []directory.User) error {
	all := 100_000
	if *quick {
		all = 4_000
	}
	ids := []string{}
	for after := ""; len(ids) < all; {
		page, err := s.Directory.Users(ctx, after, 1000)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, u := range page {
			ids = append(ids, u.ID)
		}
		after = page[len(page)-1].ID
	}
	for _, size := range []int{10, len(ids)} {
		g, err := s.Directory.CreateGroup(ctx, bencher, directory.Group{DisplayName: fmt.Sprintf("Group of %d", size), Source: app.DefaultSource}, ids[:size])
		if err != nil {
			return err
		}
		err = measure(fmt.Sprintf("SCIM PATCH one member, group of %d", size), func(client, i int) error {
			op := []string{"Add", "Remove"}[i%2]
			_, err := send("PATCH", "/Groups/"+g.ID, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"%s","path":"members","value":[{"$ref":null,"value":"%s"}]}]}`, op, us[len(us)-1-client].ID))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
