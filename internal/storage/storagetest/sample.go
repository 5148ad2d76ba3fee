package storagetest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/directory"
)

// epoch is when everything in the suite happens.
func epoch() time.Time { return time.Date(2026, 11, 24, 9, 30, 0, 123456000, time.UTC) }

// id makes a principal id out of anything: the same one for the same words, scattered like random ones.
func id(words ...any) string {
	h := sha256.Sum256(fmt.Append(nil, words...))
	return fmt.Sprintf("9067642ac7-%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func event(action, resource string) audit.Event {
	return audit.Event{
		At: epoch(), Actor: audit.Actor{Kind: audit.Principal, ID: "arn:aws:iam::111122223333:user/admin", Name: "admin", AccountID: "111122223333"},
		Action: action, Resource: resource, Outcome: "success", RequestID: "6f1c1f0e-7a3c-4b60-9a58-2f2f8f0a1d11", ClientAddr: "192.0.2.7",
	}
}

// sampleUser is the i-th of many ordinary users.
func sampleUser(i int) directory.User {
	name := fmt.Sprintf("Person.%06d@Example.com", i)
	return directory.User{
		ID: id("user", i), Version: 1, UserName: name, DisplayName: fmt.Sprintf("Person Number %d", i), Active: true,
		Name:        directory.Name{Formatted: fmt.Sprintf("Person Number %d", i), GivenName: "Person", FamilyName: fmt.Sprintf("Number %d", i)},
		Title:       "Engineer",
		Emails:      []directory.Value{{Value: name, Type: "work", Primary: true}},
		Enterprise:  directory.Enterprise{EmployeeNumber: fmt.Sprint(i), Department: "Platform"},
		ExternalIDs: []directory.ExternalID{{Issuer: "scim/entra", ID: id("external", i)}},
		CreatedAt:   epoch(), UpdatedAt: epoch(), CreatedBy: "entra", UpdatedBy: "entra",
	}
}
