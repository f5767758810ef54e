package cloudwatch

import (
	"fmt"
	"math"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A source is one structure in the input of PutMetricData. Its members contain values of the CBOR
// or JSON decoder.
type source struct {
	members map[string]any
	at      string // the path of the structure, such as "MetricData.member.1."
}

// path returns the path of a member as CloudWatch's errors write it.
func (in source) path(name string) string { return in.at + name }

func (in source) wrongType(name, want string) error {
	return wire.Serialization("%s is not %s", in.path(name), want)
}

func (in source) text(name string) (string, error) {
	switch v := in.members[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", in.wrongType(name, "a string")
	}
}

// number converts the value v of the member at path to a number.
func number(v any, path string) (float64, error) {
	n, ok := wire.Number(v)
	if !ok {
		return 0, wire.Serialization("%s is not a number", path)
	}
	return n, checkValue(n, path)
}

func (in source) float(name string) (*float64, error) {
	v := in.members[name]
	if v == nil {
		return nil, nil
	}
	n, err := number(v, in.path(name))
	if err != nil {
		return nil, err
	}
	return &n, nil
}

func (in source) list(name string) ([]any, error) {
	switch v := in.members[name].(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	default:
		return nil, in.wrongType(name, "a list")
	}
}

func (in source) floats(name string) ([]float64, error) {
	list, err := in.list(name)
	if err != nil {
		return nil, err
	}
	var numbers []float64
	for i, v := range list {
		n, err := number(v, fmt.Sprintf("%s.member.%d", in.path(name), i+1))
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

func (in source) structures(name string) ([]source, error) {
	list, err := in.list(name)
	if err != nil {
		return nil, err
	}
	found := make([]source, len(list))
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, in.wrongType(fmt.Sprintf("%s.member.%d", name, i+1), "a structure")
		}
		found[i] = source{m, fmt.Sprintf("%s.member.%d.", in.path(name), i+1)}
	}
	return found, nil
}

func (in source) structure(name string) (source, bool, error) {
	switch v := in.members[name].(type) {
	case nil:
		return source{}, false, nil
	case map[string]any:
		return source{v, in.path(name) + "."}, true, nil
	default:
		return source{}, false, in.wrongType(name, "a structure")
	}
}

// time reads a time: a CBOR value with tag 1, a number of seconds since 1970, or an ISO 8601
// string. It returns the zero time for an absent member.
func (in source) time(name string) (time.Time, error) {
	switch v := in.members[name].(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		// CloudWatch stores whole milliseconds, and a float of seconds is not exact.
		return v.UTC().Round(time.Millisecond), nil
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, in.wrongType(name, "a time")
	default:
		seconds, ok := wire.Number(v)
		if !ok || math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
			return time.Time{}, in.wrongType(name, "a time")
		}
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
}
