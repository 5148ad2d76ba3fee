package sqlite

import (
	"errors"

	"github.com/go-json-experiment/json"
	msqlite "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"gatehouse/internal/storage/sqlstore"
)

// dialect: there is one writer at a time, so nothing needs locking.
func dialect() sqlstore.Dialect {
	return sqlstore.Dialect{
		Name:    "sqlite",
		List:    func(param string) string { return "(SELECT value FROM json_each(" + param + "))" },
		ListArg: listArg,
		Unique: func(err error) bool {
			return code(err) == lib.SQLITE_CONSTRAINT_UNIQUE || code(err) == lib.SQLITE_CONSTRAINT_PRIMARYKEY
		},
		Reference: func(err error) bool { return code(err) == lib.SQLITE_CONSTRAINT_FOREIGNKEY },
		Outage:    outage,
	}
}

func listArg(l []string) any {
	if l == nil {
		l = []string{}
	}
	b, err := json.Marshal(l)
	if err != nil {
		return "[]" // a list with invalid UTF-8 names nothing that can be stored
	}
	return string(b)
}

func code(err error) int {
	var e *msqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return -1
}

// outage: the disk is full, or somebody else (a backup, a shell) holds the file.
func outage(err error) bool {
	if errors.Is(err, errClosed) {
		return true
	}
	c := code(err)
	return c >= 0 && (c&0xff == lib.SQLITE_FULL || c&0xff == lib.SQLITE_BUSY)
}
