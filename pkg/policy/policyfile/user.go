package policyfile

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// subjectForm says how a subject of a kind is written.
func subjectForm(kind string) string {
	if kind == "user-id" {
		return "user-id:ID"
	}
	return kind + ":NAME"
}

// subjectKinds lists the words before the colon of a subject.
func subjectKinds() []string { return []string{"group", "user", "user-id", "robot"} }

// user reads user:NAME or user-id:ID.
func (p *parser) user(n *yaml.Node, kind policy.SubjectKind, name string, offset int, c *cast) bool {
	word, what := "user", "a user name"
	if kind == policy.UserID {
		word, what = "user-id", "the id of an account"
	}
	if i := strings.IndexAny(name, "<>*"); i >= 0 {
		p.inside(n, offset+i, 1, CodeBadHole, what+" has no holes and no *", "write group:team-<team> for the members of groups, signed-in for everybody")
		return false
	}
	bare, directory, ok := p.qualified(n, word, name, offset)
	if !ok {
		return false
	}
	s, err := policy.NewSubject(kind, n.Value, directory, bare)
	if err != nil {
		p.syntax(n, offset, err)
		return false
	}
	c.list = append(c.list, s)
	return true
}
