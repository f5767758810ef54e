package cwalarm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// FromProperties reads an AWS::CloudWatch::Alarm, its functions resolved. A property that it does
// not know is an error, so that none is passed over; so is what Validate refuses.
func FromProperties(properties map[string]any) (Alarm, error) {
	r := reader{rest: maps.Clone(properties)}
	a := Alarm{
		Name:               r.text("AlarmName"),
		Description:        r.text("AlarmDescription"),
		Namespace:          r.text("Namespace"),
		MetricName:         r.text("MetricName"),
		Dimensions:         r.dimensions("Dimensions"),
		Statistic:          r.text("Statistic"),
		Period:             r.whole("Period"),
		EvaluationPeriods:  r.whole("EvaluationPeriods"),
		DatapointsToAlarm:  r.whole("DatapointsToAlarm"),
		ComparisonOperator: r.text("ComparisonOperator"),
		Threshold:          r.number("Threshold"),
		TreatMissingData:   r.text("TreatMissingData"),
		AlarmActions:       r.texts("AlarmActions"),
		OKActions:          r.texts("OKActions"),

		InsufficientDataActions: r.texts("InsufficientDataActions"),
		ActionsDisabled:         !r.flag("ActionsEnabled", true),
	}
	if v, ok := r.rest["WarmUpConfiguration"]; ok {
		delete(r.rest, "WarmUpConfiguration")
		m, ok := v.(map[string]any)
		if !ok {
			r.errs = append(r.errs, fmt.Errorf("WarmUpConfiguration: a %T, want a mapping", v))
		}
		w := reader{within: "WarmUpConfiguration: ", rest: maps.Clone(m)}
		minutes := w.whole("WarmUpPeriodDurationInMinutes")
		if minutes < 1 || minutes > int(maxWarmUp/time.Minute) {
			w.refuse("WarmUpPeriodDurationInMinutes %d: want 1 to %v", minutes, maxWarmUp.Minutes())
		}
		a.WarmUp = time.Duration(minutes) * time.Minute
		a.WholeWarmUp = w.flag("OnlyStartEvaluatingAfterWarmUpPeriodEnds", false)
		w.finish()
		r.errs = append(r.errs, w.errs...)
	}
	r.finish()
	if len(r.errs) == 0 {
		r.errs = append(r.errs, a.Validate())
	}
	if err := errors.Join(r.errs...); err != nil {
		return Alarm{}, err
	}
	return a, nil
}

// A reader takes properties out of a mapping and collects what is wrong with them. What is absent
// is the zero value.
type reader struct {
	within string
	rest   map[string]any
	errs   []error
}

func (r *reader) refuse(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(r.within+format, args...))
}

func (r *reader) take(name string) (v any, ok bool) {
	v, ok = r.rest[name]
	delete(r.rest, name)
	return v, ok
}

// finish complains of what nobody took.
func (r *reader) finish() {
	for _, name := range slices.Sorted(maps.Keys(r.rest)) {
		r.refuse("%s: not a property this package knows", name)
	}
}

func (r *reader) text(name string) string {
	v, ok := r.take(name)
	s, isText := v.(string)
	if ok && !isText {
		r.refuse("%s: a %T, want a string", name, v)
	}
	return s
}

// number reads a number, or a string of one: a parameter's value is always a string.
func (r *reader) number(name string) float64 {
	v, ok := r.take(name)
	switch v := v.(type) {
	case float64:
		return v
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	if ok {
		r.refuse("%s: %v, want a number", name, v)
	}
	return 0
}

func (r *reader) whole(name string) int {
	f := r.number(name)
	if f < -1<<31 || f > 1<<31-1 || f != float64(int(f)) {
		r.refuse("%s: %v, want a whole number", name, f)
		return 0
	}
	return int(f)
}

func (r *reader) flag(name string, absent bool) bool {
	v, ok := r.take(name)
	switch v := v.(type) {
	case bool:
		return v
	case string:
		if v == "true" || v == "false" {
			return v == "true"
		}
	}
	if ok {
		r.refuse("%s: %v, want true or false", name, v)
	}
	return absent
}

func (r *reader) texts(name string) (list []string) {
	v, ok := r.take(name)
	if !ok {
		return nil
	}
	elements, isList := v.([]any)
	if !isList {
		r.refuse("%s: a %T, want a list", name, v)
	}
	for _, e := range elements {
		s, isText := e.(string)
		if !isText {
			r.refuse("%s: a %T in it, want strings", name, e)
		}
		list = append(list, s)
	}
	return list
}

func (r *reader) dimensions(name string) map[string]string {
	v, ok := r.take(name)
	if !ok {
		return nil
	}
	elements, isList := v.([]any)
	if !isList {
		r.refuse("%s: a %T, want a list", name, v)
	}
	dimensions := map[string]string{}
	for _, e := range elements {
		m, _ := e.(map[string]any)
		d := reader{within: name + ": ", rest: maps.Clone(m)}
		key, value := d.text("Name"), d.text("Value")
		if _, twice := dimensions[key]; key == "" || value == "" || twice {
			d.refuse("%v: want a Name, each once, and a Value", e)
		}
		dimensions[key] = value
		d.finish()
		r.errs = append(r.errs, d.errs...)
	}
	return dimensions
}
