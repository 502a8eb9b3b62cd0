package postgres

import (
	"database/sql"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// This file says in PostgreSQL's words what sqlstore says in SQLite's.

// words are what the two call differently.
var words = strings.NewReplacer(
	"json_each(e.files)", "json_array_elements_text(e.files::json)",
	"json_each(e.mentions)", "json_array_elements(e.mentions::json)",
	"json_each(?)", "json_array_elements_text(CAST(? AS json))",
	"json_group_array(", "json_agg(",
	"json_array(", "json_build_array(",
	"json_object(", "json_build_object(",
	"group_concat(", "string_agg(",
	"char(10)", "chr(10)",
	"instr(", "strpos(",
	"CROSS JOIN", "JOIN", // there it also tells SQLite the order
)

var (
	indexedBy    = regexp.MustCompile(` INDEXED BY \w+`)
	placeholder  = regexp.MustCompile(`\?\d*`)
	translations sync.Map // of string, by the query in SQLite's words; there are as many as in the code
)

// translate returns a query in PostgreSQL's words.
func translate(query string) string {
	if t, ok := translations.Load(query); ok {
		return t.(string)
	}
	most := 0 // a ? without a number is the next behind the highest so far
	t := placeholder.ReplaceAllStringFunc(words.Replace(indexedBy.ReplaceAllString(query, "")), func(p string) string {
		n, err := strconv.Atoi(p[1:])
		if err != nil {
			n = most + 1
		}
		most = max(most, n)
		return "$" + strconv.Itoa(n)
	})
	translations.Store(query, t)
	return t
}

// values makes plain values of arguments: texts that PostgreSQL can hold, and numbers for
// whether something is so. The arguments stay as they are.
func values(all []any) []any {
	args := make([]any, len(all))
	for i, a := range all {
		args[i] = a
		switch a := a.(type) {
		case nil, []byte, int64, int:
		case string:
			args[i] = escape(a)
		case bool:
			args[i] = int64(0)
			if a {
				args[i] = int64(1)
			}
		default:
			switch v := reflect.ValueOf(a); {
			case v.Kind() == reflect.String:
				args[i] = escape(v.String())
			case v.CanInt():
				args[i] = v.Int()
			case v.CanUint():
				args[i] = int64(min(v.Uint(), math.MaxInt64))
			}
		}
	}
	return args
}

// PostgreSQL's texts hold no zero byte, and nothing that is not UTF-8. A zero byte is
// stored as two bytes 1, and a byte 1 as 1 and 2.
var (
	escaper   = strings.NewReplacer("\x00", "\x01\x01", "\x01", "\x01\x02")
	unescaper = strings.NewReplacer("\x01\x01", "\x00", "\x01\x02", "\x01")
)

func escape(s string) string {
	if strings.IndexByte(s, 0) >= 0 || strings.IndexByte(s, 1) >= 0 {
		s = escaper.Replace(s)
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// restore undoes escape in what a row was read into.
func restore(into []any) {
	for _, v := range into {
		switch v := v.(type) {
		case *string:
			*v = unescape(*v)
		case *sql.NullString:
			v.String = unescape(v.String)
		case *any:
			if text, ok := (*v).(string); ok {
				*v = unescape(text)
			}
		default:
			if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.Elem().Kind() == reflect.String {
				p.Elem().SetString(unescape(p.Elem().String()))
			}
		}
	}
}

func unescape(s string) string {
	if strings.IndexByte(s, 1) < 0 {
		return s
	}
	return unescaper.Replace(s)
}
