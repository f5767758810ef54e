package cwalarm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// FromProperties returns the alarm with the resolved properties of an AWS::CloudWatch::Alarm. It
// ignores no property: an unknown property is an error. An alarm that Validate rejects is also an
// error.
func FromProperties(properties map[string]any) (Alarm, error) {
	r := propertyReader{unread: maps.Clone(properties)}
	a := Alarm{
		Name:               r.str("AlarmName"),
		Description:        r.str("AlarmDescription"),
		Namespace:          r.str("Namespace"),
		MetricName:         r.str("MetricName"),
		Dimensions:         r.dimensions("Dimensions"),
		Statistic:          r.str("Statistic"),
		Period:             r.integer("Period"),
		EvaluationPeriods:  r.integer("EvaluationPeriods"),
		DatapointsToAlarm:  r.integer("DatapointsToAlarm"),
		ComparisonOperator: r.str("ComparisonOperator"),
		Threshold:          r.number("Threshold"),
		TreatMissingData:   r.str("TreatMissingData"),
		AlarmActions:       r.stringList("AlarmActions"),
		OKActions:          r.stringList("OKActions"),

		InsufficientDataActions: r.stringList("InsufficientDataActions"),
		ActionsDisabled:         !r.boolean("ActionsEnabled", true),
	}
	if v, ok := r.unread["WarmUpConfiguration"]; ok {
		delete(r.unread, "WarmUpConfiguration")
		m, ok := v.(map[string]any)
		if !ok {
			r.errs = append(r.errs, fmt.Errorf("WarmUpConfiguration: a %T, want a mapping", v))
		}
		w := propertyReader{prefix: "WarmUpConfiguration: ", unread: maps.Clone(m)}
		minutes := w.integer("WarmUpPeriodDurationInMinutes")
		if minutes < 1 || minutes > int(maxWarmUp/time.Minute) {
			w.refuse("WarmUpPeriodDurationInMinutes %d: want 1 to %v", minutes, maxWarmUp.Minutes())
		}
		a.WarmUp = time.Duration(minutes) * time.Minute
		a.WholeWarmUp = w.boolean("OnlyStartEvaluatingAfterWarmUpPeriodEnds", false)
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

// propertyReader reads properties from a mapping and collects errors. It returns the zero value for
// an absent property.
type propertyReader struct {
	prefix string
	unread map[string]any
	errs   []error
}

func (r *propertyReader) refuse(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(r.prefix+format, args...))
}

// take returns a property and removes it from unread.
func (r *propertyReader) take(name string) (v any, ok bool) {
	v, ok = r.unread[name]
	delete(r.unread, name)
	return v, ok
}

// finish adds an error for each property that was not read.
func (r *propertyReader) finish() {
	for _, name := range slices.Sorted(maps.Keys(r.unread)) {
		r.refuse("%s: unsupported property", name)
	}
}

func (r *propertyReader) str(name string) string {
	v, ok := r.take(name)
	s, isText := v.(string)
	if ok && !isText {
		r.refuse("%s: a %T, want a string", name, v)
	}
	return s
}

// number reads a number. The property can be a string, because a parameter's value is always a
// string.
func (r *propertyReader) number(name string) float64 {
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

func (r *propertyReader) integer(name string) int {
	f := r.number(name)
	if f < -1<<31 || f > 1<<31-1 || f != float64(int(f)) {
		r.refuse("%s: %v, want a whole number", name, f)
		return 0
	}
	return int(f)
}

func (r *propertyReader) boolean(name string, defaultValue bool) bool {
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
	return defaultValue
}

// list returns the elements of a list, or nil if the property is missing or not a list.
func (r *propertyReader) list(name string) []any {
	v, ok := r.take(name)
	if !ok {
		return nil
	}
	elements, isList := v.([]any)
	if !isList {
		r.refuse("%s: a %T, want a list", name, v)
	}
	return elements
}

func (r *propertyReader) stringList(name string) (list []string) {
	for _, e := range r.list(name) {
		s, isText := e.(string)
		if !isText {
			r.refuse("%s: a %T in it, want strings", name, e)
		}
		list = append(list, s)
	}
	return list
}

func (r *propertyReader) dimensions(name string) map[string]string {
	dimensions := map[string]string{}
	for _, e := range r.list(name) {
		m, _ := e.(map[string]any)
		d := propertyReader{prefix: name + ": ", unread: maps.Clone(m)}
		key, value := d.str("Name"), d.str("Value")
		if _, twice := dimensions[key]; key == "" || value == "" || twice {
			d.refuse("%v: want a Name, each once, and a Value", e)
		}
		dimensions[key] = value
		d.finish()
		r.errs = append(r.errs, d.errs...)
	}
	return dimensions
}
