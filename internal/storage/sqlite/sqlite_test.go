package sqlite_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/storage/sqlite"
	"gatehouse/internal/storage/sqlite/sqlitetest"
	"gatehouse/internal/storage/sqlstore"
	"gatehouse/internal/storage/storagetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(tb testing.TB) *sqlstore.DB { return openAt(tb, sqlitetest.Path(tb)) })
}

func TestFilesAreReadableByTheOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data dir?&#%")
	db := openAt(t, filepath.Join(dir, "gatehouse.db"))
	storagetest.Fill(t, db, 3)
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		found++
		return err
	})
	if err != nil || found < 4 { // the directory, the file, its WAL and the lock
		t.Errorf("walked %d files: %v", found, err)
	}
}

func TestADatabaseOfANewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	db := openAt(t, path)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the refusal holds no lock
		_, err = sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
		if f := fault.Of(err); f == nil || f.Kind != fault.Conflict || f.Reason != "newer-schema" {
			t.Errorf("got %v, want Conflict newer-schema", err)
		}
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is a text. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("opened a text as a database: %v", db)
	}
}

// TestKilledWriter lets a process write from many goroutines, kills it, and looks whether everything that it was answered is there.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills processes; left out with -short")
	}
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	answered := map[int]bool{}
	for round := range 5 {
		for _, n := range killedWriter(t, path, round) {
			answered[n] = true
		}
		db := openAt(t, path)
		stored := map[string]bool{}
		for after := ""; ; {
			page, err := db.Directory().Users(t.Context(), after, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page {
				stored[u.ID] = true
				after = u.ID
			}
			if len(page) < 1000 {
				break
			}
		}
		for n := range answered {
			if !stored[storagetest.User(n).ID] {
				t.Errorf("round %d: user %d was answered and is lost", round, n)
			}
		}
		count, err := db.Directory().CountUsers(t.Context())
		if err != nil || count != len(stored) {
			t.Errorf("round %d: the counter says %d (%v), there are %d users", round, count, err, len(stored))
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(answered) < 50 {
		t.Errorf("only %d writes were answered in all: the test says nothing", len(answered))
	}
}

// killedWriter runs writerProcess for a moment, kills it, and returns the numbers of the users it was answered.
func killedWriter(t *testing.T, path string, round int) (answered []int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestWriterProcess$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), writerEnv+"="+path, writerRound+"="+strconv.Itoa(round))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var killer *time.Timer
	for lines.Scan() {
		n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "answered "))
		if err != nil {
			continue // an unfinished line, or the test framework's own words
		}
		answered = append(answered, n)
		if killer == nil { // a while after it has got going
			killer = time.AfterFunc(time.Duration(20+rand.IntN(150))*time.Millisecond, func() {
				if err := cmd.Process.Kill(); err != nil {
					t.Errorf("kill: %v", err)
				}
			})
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("the writing process ended by itself: %v", err)
	}
	return answered
}

const (
	writerEnv   = "GATEHOUSE_TEST_WRITER"
	writerRound = "GATEHOUSE_TEST_WRITER_ROUND"
)

// TestWriterProcess is the process that TestKilledWriter kills.
func TestWriterProcess(t *testing.T) {
	path := os.Getenv(writerEnv)
	if path == "" {
		t.Skip("is run by TestKilledWriter")
	}
	round, err := strconv.Atoi(os.Getenv(writerRound))
	if err != nil {
		t.Fatal(err)
	}
	db := openAt(t, path)
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range 1_000_000 {
				n := (round*8+client)*1_000_000 + i
				if err := storagetest.Insert(t, db, n); err != nil {
					t.Error(err)
					return
				}
				// One write call for one line, so that a line is there whole or not at all.
				if _, err := fmt.Fprintf(os.Stdout, "answered %d\n", n); err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
}
