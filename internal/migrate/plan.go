package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hubbub/internal/sqlstore"
)

// What there is in one database alone. All else must be in both, or nothing is moved:
// whoever adds a table or a column to one of them says here what becomes of it.
var (
	// stay are tables that are not moved.
	stay = map[string]string{
		"nodes":        "the processes that use the database",
		"lanes":        "what became of their last commits",
		"questions":    "what these processes ask each other",
		"changes":      "what the connections of these processes must know of; nobody is connected",
		"changes_head": "how far that is",
	}
	// drop are columns that are not moved.
	drop = map[string]string{
		"place.oldest": "who may use the database: its schema says so",
		"people.node":  "where a visitor is, and no visitor is there",
	}
	// derived are columns that follow from the others, by how.
	derived = map[string]string{
		"rooms.last": "coalesce((SELECT e.time FROM events e WHERE e.room = rooms.key AND e.seq = rooms.head), 0)",
	}
)

// table is one that is moved.
type table struct {
	name    string
	key     []string
	columns []column
	keyAt   []int // where the key is among the columns
}

type column struct {
	name string
	from string // what it is read as, where it lies and where it comes
	to   string
	put  bool // it is a column where it comes, not something that follows
}

// plan says which tables are moved, and how.
func plan(from, to map[string]sqlstore.Table) (tables []table, err error) {
	names := make(map[string]bool)
	for _, all := range []map[string]sqlstore.Table{from, to} {
		for name := range all {
			names[name] = stay[name] == ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !names[name] {
			continue
		}
		a, here := from[name]
		b, there := to[name]
		if !here || !there {
			return nil, fmt.Errorf("the table %s is in one of the databases alone; this hubbub can not move it", name)
		}
		t, err := planTable(name, a, b)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func planTable(name string, from, to sqlstore.Table) (table, error) {
	t := table{name: name, key: from.Key}
	if len(from.Key) == 0 || !slices.Equal(from.Key, to.Key) {
		return t, fmt.Errorf("the table %s has the key %q in one database and %q in the other", name, from.Key, to.Key)
	}
	both := maps.Clone(from.Columns)
	maps.Copy(both, to.Columns)
	for _, c := range slices.Sorted(maps.Keys(both)) {
		full, quoted := name+"."+c, `"`+c+`"`
		if drop[full] != "" {
			continue
		}
		x := column{name: c, from: quoted, to: quoted, put: true}
		a, here := from.Columns[c]
		b, there := to.Columns[c]
		how := derived[full]
		switch {
		case here && there && a != b:
			return t, fmt.Errorf("%s is %s in one database and %s in the other", full, a, b)
		case here && there:
		case how == "":
			return t, fmt.Errorf("the column %s is in one of the databases alone; this hubbub can not move it", full)
		case there:
			x.from = how
		default:
			x.to, x.put = how, false
		}
		t.columns = append(t.columns, x)
	}
	for _, k := range t.key {
		t.keyAt = append(t.keyAt, slices.IndexFunc(t.columns, func(c column) bool { return c.name == k }))
	}
	return t, nil
}

// read selects the rows in the order of their key, behind one if there is one.
func (t *table) read(source, after bool) string {
	var columns []string
	for _, c := range t.columns {
		if source {
			columns = append(columns, c.from)
		} else {
			columns = append(columns, c.to)
		}
	}
	where := ""
	if after {
		where = fmt.Sprintf(" WHERE (%s) > (?%s)", t.keys(""), strings.Repeat(", ?", len(t.key)-1))
	}
	return fmt.Sprintf(`SELECT %s FROM "%s"%s ORDER BY %s`, strings.Join(columns, ", "), t.name, where, t.keys(""))
}

// keys lists the columns of the key.
func (t *table) keys(order string) string {
	return `"` + strings.Join(t.key, `"`+order+`, "`) + `"` + order
}
