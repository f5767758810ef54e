package page

import (
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A matrix shows the status of each permission of a policy for each principal that needs it.
type matrix struct {
	Title   string
	Columns []column
	Rows    []matrixRow
}

// A column is a principal. Note says why the column has no statuses; empty if it has.
type column struct{ Name, Note string }

type matrixRow struct {
	Action, Resource string
	Cells            []cell
}

// A cell is a status. Class is empty if the principal does not need the permission.
type cell struct{ Class, Text string }

type permission struct{ sid, action, resource string }

// newMatrices returns a matrix for the callers and one for the render roles.
func newMatrices(r audit.Report) (list []matrix) {
	for _, kind := range []policies.PolicyKind{policies.User, policies.Role} {
		m := newMatrix(r, kind)
		if len(m.Columns) > 0 {
			list = append(list, m)
		}
	}
	return list
}

func newMatrix(r audit.Report, kind policies.PolicyKind) matrix {
	m := matrix{Title: map[policies.PolicyKind]string{policies.User: "Callers",
		policies.Role: "Render roles"}[kind]}
	columns := map[string]int{}
	rows := map[permission]int{}
	for _, f := range r.Findings {
		if f.Policy != kind {
			continue
		}
		if _, ok := columns[f.Target]; !ok {
			columns[f.Target] = len(m.Columns)
			m.Columns = append(m.Columns, column{Name: clean(f.Target)})
		}
		key := permission{f.Sid, f.Action, f.Resource}
		if f.Sid == audit.TrustSid {
			key.resource = "" // it is the role's own ARN
		}
		if f.Action == "" {
			m.Columns[columns[f.Target]].Note = "does not exist"
			continue
		}
		if _, ok := rows[key]; !ok {
			rows[key] = len(m.Rows)
			m.Rows = append(m.Rows, matrixRow{Action: clean(f.Action), Resource: clean(key.resource)})
		}
	}
	for i := range m.Rows {
		m.Rows[i].Cells = make([]cell, len(m.Columns))
	}
	for _, f := range r.Findings {
		if f.Policy != kind || f.Action == "" {
			continue
		}
		key := permission{f.Sid, f.Action, f.Resource}
		if f.Sid == audit.TrustSid {
			key.resource = ""
		}
		c := &m.Rows[rows[key]].Cells[columns[f.Target]]
		if c.Class == "" || status(f.Status) != "satisfied" {
			*c = cell{status(f.Status), status(f.Status)}
			if f.Muted != nil {
				*c = cell{"muted", status(f.Status) + ", muted"}
			}
		}
	}
	return m
}
