package awsemu

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// A source is a structure of PutMetricData's input, whichever protocol brought it: CBOR and JSON
// values as their decoders give them, and texts for everything that came in a form.
type source struct {
	members map[string]any
	at      string // where it stands: "MetricData.member.1."
	form    *form  // set if the input came in a form
}

// path names a member as CloudWatch's errors do.
func (in source) path(name string) string { return in.at + name }

// fromForm makes of a form's tree what the other protocols' decoders make: lists of what has
// members, maps of what has names, texts of the rest.
func fromForm(f *form) map[string]any {
	m := make(map[string]any, len(f.sub))
	for name, sub := range f.sub {
		switch {
		case sub.at("member") != nil:
			list := []any{}
			for _, item := range f.list(name, "member") {
				if item.sub != nil {
					list = append(list, fromForm(item))
				} else {
					list = append(list, item.value)
				}
			}
			m[name] = list
		case sub.sub != nil:
			m[name] = fromForm(sub)
		default:
			m[name] = sub.value
		}
	}
	return m
}

func (in source) wrong(name, want string) error {
	return serialization("%s is not %s", in.path(name), want)
}

func (in source) text(name string) (string, error) {
	switch v := in.members[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", in.wrong(name, "a string")
	}
}

// number reads a number; those of a form are texts.
func (in source) number(v any, path string) (float64, error) {
	if text, isText := v.(string); isText && in.form != nil {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil && !math.IsInf(n, 0) {
			return 0, badValue("The value %s for parameter %s is invalid.", text, path)
		}
		return n, checkValue(n, path)
	}
	n, ok := number(v)
	if !ok {
		return 0, serialization("%s is not a number", path)
	}
	return n, checkValue(n, path)
}

func (in source) float(name string) (*float64, error) {
	v := in.members[name]
	if v == nil {
		return nil, nil
	}
	n, err := in.number(v, in.path(name))
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
	case string:
		if v == "" && in.form != nil { // an empty list in a form is an empty value
			return nil, nil
		}
	}
	return nil, in.wrong(name, "a list")
}

func (in source) floats(name string) ([]float64, error) {
	list, err := in.list(name)
	if err != nil {
		return nil, err
	}
	var numbers []float64
	for i, v := range list {
		n, err := in.number(v, fmt.Sprintf("%s.member.%d", in.path(name), i+1))
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
			return nil, in.wrong(fmt.Sprintf("%s.member.%d", name, i+1), "a structure")
		}
		found[i] = source{m, fmt.Sprintf("%s.member.%d.", in.path(name), i+1), in.form}
	}
	return found, nil
}

func (in source) structure(name string) (source, bool, error) {
	switch v := in.members[name].(type) {
	case nil:
		return source{}, false, nil
	case map[string]any:
		return source{v, in.path(name) + ".", in.form}, true, nil
	default:
		return source{}, false, in.wrong(name, "a structure")
	}
}

// time reads a time: CBOR's tag 1, seconds since 1970, or ISO 8601 in a form.
func (in source) time(name string) (time.Time, error) {
	switch v := in.members[name].(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		// A float of seconds is no exact number of milliseconds, which is all CloudWatch keeps.
		return v.UTC().Round(time.Millisecond), nil
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, in.wrong(name, "a time")
	default:
		seconds, ok := number(v)
		if !ok || math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
			return time.Time{}, in.wrong(name, "a time")
		}
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
}
