package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// register has a connection read numbers as whether something is so.
func register(conn *pgx.Conn) {
	m := conn.TypeMap()
	for name, oid := range map[string]uint32{"int2": pgtype.Int2OID, "int4": pgtype.Int4OID, "int8": pgtype.Int8OID} {
		if t, ok := m.TypeForOID(oid); ok {
			m.RegisterType(&pgtype.Type{Name: name, OID: oid, Codec: flagCodec{t.Codec}})
		}
	}
}

// flagCodec reads a number also as whether it is one.
type flagCodec struct{ pgtype.Codec }

// PlanScan implements pgtype.Codec.
func (c flagCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*bool); !ok {
		return c.Codec.PlanScan(m, oid, format, target)
	}
	return flagPlan{c.Codec.PlanScan(m, oid, format, new(int64))}
}

type flagPlan struct{ of pgtype.ScanPlan }

// Scan implements pgtype.ScanPlan.
func (p flagPlan) Scan(src []byte, target any) error {
	var n int64
	if err := p.of.Scan(src, &n); err != nil {
		return err
	}
	*target.(*bool) = n == 1
	return nil
}
