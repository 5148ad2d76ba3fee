// Command shapes turns descriptions of AWS APIs into Go.
//
// Gatehouse keeps one description per service in internal/awswire/model/NAME.shapes: operations,
// structures, limits, patterns and errors in a compact form of our own, without prose (package model reads it).
//
//	go run ./tools/shapes generate            # every .shapes file → internal/endpoint/…/shapes_gen.go
//	go run ./tools/shapes convert DIR         # service-2.json models under DIR → .shapes, for a new service
//
// convert was needed once; what AWS added since is edited into the .shapes files by hand, which are
// the source from then on.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"gatehouse/internal/awswire/model"
)

// service says where a description comes from and which package its shapes go to.
type service struct{ name, pkg string }

func services() []service {
	return []service{
		{"sso-admin", "ssoadmin"},
		{"identitystore", "identitystore"},
		{"organizations", "organizations"},
		{"iam", "iam"},
		{"sts", "sts"},
		{"cloudformation", "cloudformation"},
		{"sso", "ssoportal"},
		{"sso-oidc", "ssooidc"},
		{"account-access", "accountaccess"},
		{"signin", "awslogin"},
	}
}

const modelDir = "internal/awswire/model"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shapes:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "generate":
		return generateAll(".")
	case len(args) >= 2 && args[0] == "convert":
		return convertAll(args[1], args[2:])
	}
	return fmt.Errorf("usage: shapes generate | shapes convert MODELDIR [SERVICE…]")
}

// generateAll writes the Go files of every service below root, the top of the repository.
func generateAll(root string) error {
	for _, s := range services() {
		api, err := model.Read(s.name)
		if err != nil {
			return err
		}
		src, err := generate(api, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		dir := filepath.Join(root, "internal/endpoint", s.pkg)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "shapes_gen.go"), src, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func convertAll(dir string, only []string) error {
	for _, s := range services() {
		if len(only) > 0 && !contains(only, s.name) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, s.name, "service-2.json"))
		if err != nil {
			return err
		}
		text, err := convert(s.name, raw)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := os.WriteFile(filepath.Join(modelDir, s.name+".shapes"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
