package report

import (
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// toneOf returns the tone of the status of a report.
func toneOf(r audit.Report) textfmt.Tone {
	if r.Status == audit.StatusGaps {
		return SeverityTone(r.Worst())
	}
	return reportTone(r.Status)
}

// reportTone returns the tone of the status of a report or a check.
func reportTone(s audit.ReportStatus) textfmt.Tone {
	switch s {
	case audit.StatusGaps:
		return textfmt.Critical
	case audit.StatusCompliant:
		return textfmt.Good
	}
	return textfmt.Unknown
}

// SeverityTone returns the tone of a severity.
func SeverityTone(s policies.Severity) textfmt.Tone {
	switch s {
	case policies.Critical:
		return textfmt.Critical
	case policies.High:
		return textfmt.High
	case policies.Medium:
		return textfmt.Medium
	}
	return textfmt.Low
}

// StatusTone returns the tone of the status of one requirement.
func StatusTone(s audit.Status) textfmt.Tone {
	switch s {
	case audit.Satisfied:
		return textfmt.Good
	case audit.Unverified:
		return textfmt.Unknown
	case audit.Conditional, audit.Partial:
		return textfmt.High
	}
	return textfmt.Critical
}
