package alert_test

import (
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
)

type story = alerttest.Story

var (
	start         = alerttest.Start
	reportOf      = alerttest.Report
	finding       = alerttest.Finding
	fixture       = alerttest.Fixture
	withNotices   = alerttest.WithNotices
	newStory      = alerttest.NewStory
	newDrift      = alerttest.NewDrift
	announcements = alerttest.Announcements
)

var misconfigured = alerttest.Misconfigured()

const (
	hour = time.Hour
	day  = 24 * hour
)

// message returns the message of a plan, or the zero message if the plan announces nothing.
func message(p alert.Planned) alert.Message {
	if p.Digest == nil {
		return alert.Message{}
	}
	return render.Message(*p.Digest, render.Sender{})
}

// key returns the dedupKey of a plan, or "" if the plan announces nothing.
func key(p alert.Planned) string {
	if p.Digest == nil {
		return ""
	}
	return p.Digest.DedupKey
}
