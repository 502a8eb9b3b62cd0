package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"hubbub/internal/sqlstore"
)

const (
	maxBatch = 4 << 20         // bytes of a transaction, about
	sayEvery = 2 * time.Second // of a table that takes long
)

// copyTables copies what is not there yet.
func (m *move) copyTables(ctx context.Context) error {
	for i := range m.tables {
		if err := m.copyTable(ctx, &m.tables[i]); err != nil {
			return err
		}
	}
	return nil
}

// copyTable copies the rows of a table in the order of their key, so that the last one that
// is there says how far it is.
func (m *move) copyTable(ctx context.Context, t *table) error {
	last, err := all(ctx, m.dst, fmt.Sprintf(`SELECT %s FROM "%s" ORDER BY %s LIMIT 1`, t.keys(""), t.name, t.keys(" DESC")))
	if err != nil {
		return err
	}
	var after []any
	if len(last) > 0 {
		after = last[0]
	}
	total, err := m.count(ctx, m.src, t)
	if err != nil {
		return err
	}
	done, err := m.count(ctx, m.dst, t)
	if err != nil {
		return err
	}
	columns, put := t.put()
	return m.batches(ctx, t, after, func(rows [][]any) error {
		for i := range rows {
			rows[i] = put(rows[i])
		}
		err := m.dst.Change(ctx, func(w sqlstore.Writer) error { return w.Copy(ctx, t.name, columns, rows) })
		if err != nil {
			return err
		}
		if m.Batched != nil {
			m.Batched()
		}
		done += int64(len(rows))
		m.progress("copied", t.name, done, total)
		return nil
	})
}

// put returns the columns that are written, and takes them out of a row.
func (t *table) put() (columns []string, put func([]any) []any) {
	for _, c := range t.columns {
		if c.put {
			columns = append(columns, c.name)
		}
	}
	if len(columns) == len(t.columns) {
		return columns, func(row []any) []any { return row }
	}
	return columns, func(row []any) (out []any) {
		for i, c := range t.columns {
			if c.put {
				out = append(out, row[i])
			}
		}
		return out
	}
}

func (m *move) count(ctx context.Context, in sqlstore.Mover, t *table) (int64, error) {
	rows, err := all(ctx, in, `SELECT count(*) FROM "`+t.name+`"`)
	if err != nil {
		return 0, err
	}
	return rows[0][0].(int64), nil
}

// batches reads the rows behind a key and gives them to f, some at a time. The next ones
// are read meanwhile.
func (m *move) batches(ctx context.Context, t *table, after []any, f func([][]any) error) error {
	ctx, cancel := context.WithCancel(ctx)
	batches, failed := make(chan [][]any), make(chan error, 1)
	go func() {
		failed <- m.readBatches(ctx, t, after, batches)
		close(batches)
	}()
	var err error
	for rows := range batches {
		if err == nil {
			if err = f(rows); err != nil {
				cancel()
			}
		}
	}
	read := <-failed
	cancel()
	if err != nil {
		return err
	}
	return read
}

func (m *move) readBatches(ctx context.Context, t *table, after []any, to chan<- [][]any) error {
	rows, err := m.src.Rows(ctx, t.read(true, after != nil), after...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var batch [][]any
	size := 0
	hand := func() error {
		select {
		case to <- batch:
			batch, size = nil, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for rows.Next() {
		row, err := rows.Row()
		if err != nil {
			return err
		}
		batch = append(batch, row)
		if size += sizeOf(row); len(batch) == m.Batch || size > maxBatch {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil || len(batch) == 0 {
		return err
	}
	return hand()
}

func sizeOf(row []any) (n int) {
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n + 16*len(row)
}

// progress tells how far it is, now and then, and when a table is done.
func (m *move) progress(what, name string, done, total int64) {
	if now := time.Now(); done == total || now.Sub(m.said) > sayEvery {
		m.said = now
		m.Say(fmt.Sprintf("%s %s: %d of %d", what, name, done, total))
	}
}

// compareTables looks at every row on both sides.
func (m *move) compareTables(ctx context.Context) error {
	for i := range m.tables {
		if err := m.compareTable(ctx, &m.tables[i]); err != nil {
			return err
		}
	}
	return nil
}

// compareTable holds the rows of both sides against each other, in the order of their key
// and in the form that both databases agree on.
func (m *move) compareTable(ctx context.Context, t *table) error {
	total, err := m.count(ctx, m.src, t)
	if err != nil {
		return err
	}
	a, err := m.src.Rows(ctx, t.read(true, false))
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := m.dst.Rows(ctx, t.read(false, false))
	if err != nil {
		return err
	}
	defer b.Close()
	sum := sha256.New()
	for n := int64(0); ; n++ {
		here, err := next(a)
		if err != nil {
			return err
		}
		there, err := next(b)
		if err != nil {
			return err
		}
		if here == nil && there == nil {
			if n > 0 {
				m.Say(fmt.Sprintf("compared %s: %d rows, the same on both sides, SHA-256 %x", t.name, n, sum.Sum(nil)))
			}
			return nil
		}
		if err := m.same(t, here, there, sum); err != nil {
			return err
		}
		if n > 0 && n%1000 == 0 && n < total {
			m.progress("compared", t.name, n, total)
		}
	}
}

// next returns the next row, or nil.
func next(rows sqlstore.Values) ([]any, error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	return rows.Row()
}

func (m *move) same(t *table, here, there []any, sum hash.Hash) error {
	a, b := form(here), form(there)
	if bytes.Equal(a, b) {
		sum.Write(a)
		return nil
	}
	switch {
	case there == nil:
		return m.unlike("%s has a row that %s has not: %s", m.src, m.dst, t.where(here))
	case here == nil:
		return m.unlike("%s has a row that %s has not: %s", m.dst, m.src, t.where(there))
	case t.where(here) != t.where(there):
		return m.unlike("%s has a row where %s has another: %s; %s", m.src, m.dst, t.where(here), t.where(there))
	}
	for i := range here {
		if !bytes.Equal(form(here[i:i+1]), form(there[i:i+1])) {
			return m.unlike("%s is not the same on both sides: %s", t.name+"."+t.columns[i].name, t.where(here))
		}
	}
	return errors.New("migrate: rows differ and their values do not")
}

// where names a row by its key, which says nothing of what is in it.
func (t *table) where(row []any) string {
	var parts []string
	for i, at := range t.keyAt {
		value := fmt.Sprint(row[at])
		if b, ok := row[at].([]byte); ok {
			value = fmt.Sprintf("%x", b)
		}
		parts = append(parts, t.key[i]+" "+value)
	}
	return t.name + ", " + strings.Join(parts, ", ")
}

// unlike says that something did not arrive as it was.
func (m *move) unlike(format string, args ...any) error {
	return fmt.Errorf("%s; %s can not be used: if %s was used since this move began, or a disk is damaged, move into an empty one anew", fmt.Sprintf(format, args...), m.dst, m.src)
}

// form writes a row as both databases agree on it: texts in UTF-8.
func form(row []any) (b []byte) {
	if row == nil {
		return nil
	}
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			b = append(b, 0)
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 1), uint64(v))
		case string:
			v = strings.ToValidUTF8(v, "\uFFFD")
			b = append(binary.BigEndian.AppendUint64(append(b, 2), uint64(len(v))), v...)
		case []byte:
			b = append(binary.BigEndian.AppendUint64(append(b, 3), uint64(len(v))), v...)
		default:
			b = fmt.Appendf(append(b, 4), "%T %v", v, v)
		}
	}
	return b
}

// compareHeads holds how far rooms are against their events, on both sides.
func (m *move) compareHeads(ctx context.Context) error {
	const query = `SELECT r.id, r.head, coalesce(e.n, 0), coalesce(e.high, 0) FROM rooms r
		LEFT JOIN (SELECT room, count(*) AS n, max(seq) AS high FROM events GROUP BY room) e ON e.room = r.key ORDER BY r.key`
	here, err := all(ctx, m.src, query)
	if err != nil {
		return err
	}
	there, err := all(ctx, m.dst, query)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(here, there, func(a, b []any) bool { return slices.Equal(a, b) }) {
		return m.unlike("the heads of %d rooms in %s are not those of %d in %s", len(here), m.src, len(there), m.dst)
	}
	for _, r := range there {
		if r[1] != r[2] || r[1] != r[3] {
			return m.unlike("the room %v has %v events up to %v, and its head says %v", r[0], r[2], r[3], r[1])
		}
	}
	m.Say(fmt.Sprintf("compared the heads of %d rooms", len(here)))
	return nil
}
