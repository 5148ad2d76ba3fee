// Package crash kills the real server in the midst of work, again and again, and looks whether anything that was answered is
// lost and whether any request stays IN_PROGRESS for ever.
//
// It has tests only.
package crash
