// Package house holds no code: its tests hold the house's rules, so that they are kept and not only written down.
//
// The import rules are a table in imports_test.go that reads like the one in docs/architecture.md; style_test.go keeps
// package documentation, the vocabulary of directories and the ban on init functions.
package house
