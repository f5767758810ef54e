package app

import (
	"context"
	"log/slog"
	"reflect"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// NewLogger returns a logger that cleans its texts with textfmt.Lines, as messages are cleaned, and
// passes them to a handler. The JSON handler of slog escapes only some control characters. Text
// from AWS or from an event could otherwise change how a terminal shows the log.
func NewLogger(to slog.Handler) *slog.Logger { return slog.New(cleanHandler{to}) }

type cleanHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h cleanHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, textfmt.Lines(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(cleanAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h cleanHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return cleanHandler{h.Handler.WithAttrs(cleanAttrs(attrs))}
}

// WithGroup implements slog.Handler.
func (h cleanHandler) WithGroup(name string) slog.Handler {
	return cleanHandler{h.Handler.WithGroup(textfmt.Lines(name))}
}

func cleanAttrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = cleanAttr(a)
	}
	return clean
}

func cleanAttr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: textfmt.Lines(a.Key), Value: cleanValue(a.Value.Resolve())}
}

func cleanValue(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(textfmt.Lines(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(cleanAttrs(v.Group())...)
	case slog.KindAny:
		switch value := v.Any().(type) {
		case error:
			return slog.StringValue(textfmt.Lines(value.Error()))
		case []string:
			clean := make([]string, len(value))
			for i, s := range value {
				clean[i] = textfmt.Lines(s)
			}
			return slog.AnyValue(clean)
		default:
			if text := reflect.ValueOf(value); text.Kind() == reflect.String {
				return slog.StringValue(textfmt.Lines(text.String()))
			}
		}
	}
	return v
}
