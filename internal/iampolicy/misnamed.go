package iampolicy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
)

// A MisnamedAction is an action, or a pattern of actions, that a statement names and that does not
// exist. IAM stores such a statement, and the action never matches.
type MisnamedAction struct {
	// Index is the statement's position in its document, from 1.
	Index int
	Sid   string
	iamactions.Unknown
}

// In returns what is wrong, with the statement of a policy: "statement 2 (Sid Storage) of
// role.json: s3:GetObjects is no action: s3:GetObject?".
func (m MisnamedAction) In(policy string) string {
	at := Match{policy, Identity, m.Index, &Statement{Sid: m.Sid}}
	return misnaming{at, m.Unknown}.String()
}

// MisnamedActions returns the actions of the document that do not exist, each once, in the order of
// the document. It returns at most most of them.
func (d *Document) MisnamedActions(most int) (list []MisnamedAction) {
	seen := map[string]bool{}
	for i, s := range d.Statements {
		for _, action := range slices.Concat(s.Action, s.NotAction) {
			lowered := strings.ToLower(action)
			if seen[lowered] {
				continue
			}
			seen[lowered] = true
			if len(list) == most || len(seen) > maxNames {
				return list
			}
			if u, unknown := iamactions.Check(action); unknown {
				list = append(list, MisnamedAction{i + 1, s.Sid, u})
			}
		}
	}
	return list
}

// maxNames is the number of actions of a document that MisnamedActions compares with AWS's list.
const maxNames = 10_000

// The limits of findMisnamed for one gap: the number of actions that do not exist, and the work of
// a comparison in steps of a search.
const (
	maxMisnamed   = 20
	stepsOfNaming = 20_000
)

// misnaming is an action of a statement that does not exist.
type misnaming struct {
	at Match
	iamactions.Unknown
}

// String returns the statement and what is wrong, for messages.
func (m misnaming) String() string { return m.at.String() + ": " + m.Unknown.String() }

// findMisnamed returns an Allow of the identity policies for an action that does not exist, and
// that probably stands for the action. It returns nil if there is none.
func (g Grants) findMisnamed(action string, s *search) *misnaming {
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	compared := 0
	for i := range g.Identity {
		p := &g.Identity[i]
		if p.Document == nil || p.ByAWS {
			continue
		}
		for j := range p.Document.Statements {
			statement := &p.Document.Statements[j]
			if statement.Effect != Allow {
				continue
			}
			s.steps -= len(statement.Action)
			for _, name := range statement.Action {
				if !similarService(name, service) {
					continue
				}
				u, unknown := iamactions.Check(name)
				if !unknown {
					continue
				}
				if strings.EqualFold(u.Nearest, action) {
					return &misnaming{Match{p.ID, Identity, j + 1, statement}, u}
				}
				s.steps -= stepsOfNaming
				if compared++; compared == maxMisnamed {
					return nil
				}
			}
		}
	}
	return nil
}

// similarService reports whether an action begins as the actions of a service do: the prefix of a
// misnamed service begins with the same letter.
func similarService(action, service string) bool {
	return action != "" && service != "" && action[0]|0x20 == service[0]
}
