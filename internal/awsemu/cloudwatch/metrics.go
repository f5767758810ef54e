package cloudwatch

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Datum is one metric value that a client put.
type Datum struct {
	Region     string
	Namespace  string
	Name       string
	Dimensions []Dimension
	// Value is nil if the client sent Values or Statistics.
	Value      *float64
	Values     []float64
	Counts     []float64
	Statistics *Statistics
	// Unit is empty if the client sent no unit; CloudWatch then stores None.
	Unit string
	// Time is the timestamp that the client sent, or the time of the request if it sent none.
	Time time.Time
	// Resolution is the storage resolution in seconds. Zero is the default, 60.
	Resolution int
}

// A Dimension is a name and value that distinguish metrics of the same name.
type Dimension struct{ Name, Value string }

// Statistics are values that the client has aggregated.
type Statistics struct{ SampleCount, Sum, Minimum, Maximum float64 }

// The limits of PutMetricData.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
const (
	maxDatums     = 1000
	maxDimensions = 30
	maxValues     = 150
	maxPast       = 14 * 24 * time.Hour
	maxFuture     = 2 * time.Hour
)

// maxValue bounds the absolute value of a metric.
var maxValue = math.Ldexp(1, 360)

// units are the values of StandardUnit, in the order in which CloudWatch's error lists them.
var units = strings.Fields(`Seconds Microseconds Milliseconds
	Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits
	Percent Count
	Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second
	Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second
	Count/Second None`)

// metricError returns an error of CloudWatch. code is the error code of the Query API, and shape is
// the error's name in the Smithy model.
func metricError(code, shape, format string, args ...any) *wire.Error {
	e := wire.Refuse(http.StatusBadRequest, code, format, args...)
	e.Shape = "com.amazonaws.cloudwatch#" + shape
	return e
}

func badValue(format string, args ...any) *wire.Error {
	return metricError("InvalidParameterValue", "InvalidParameterValueException", format, args...)
}

func badCombination(format string, args ...any) *wire.Error {
	return metricError("InvalidParameterCombination", "InvalidParameterCombinationException", format,
		args...)
}

func missingParameter(format string, args ...any) *wire.Error {
	return metricError("MissingParameter", "MissingRequiredParameterException", format, args...)
}

// putMetricData stores all datums, or none of them if one is invalid.
func putMetricData(c call) (any, error) {
	in := source{c.Input, ""}
	namespace, err := in.text("Namespace")
	switch {
	case err != nil:
		return nil, err
	case namespace == "":
		return nil, missingParameter("The parameter Namespace is required.")
	case len(namespace) > 255 || namespace[0] == ':' || !wire.IsPlainASCII(namespace):
		return nil, badValue("The value %s for parameter Namespace is invalid.", namespace)
	case strings.HasPrefix(namespace, "AWS/"):
		return nil, badValue("The value AWS/ for parameter Namespace is invalid.")
	}
	list, err := in.structures("MetricData")
	if err != nil {
		return nil, err
	}
	entities, err := in.structures("EntityMetricData")
	if err != nil {
		return nil, err
	}
	for _, e := range entities {
		more, err := e.structures("MetricData")
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	if len(list) == 0 {
		return nil, missingParameter("The parameter MetricData is required.")
	}
	if len(list) > maxDatums {
		return nil, badValue("The collection MetricData must not have a size greater than %d.", maxDatums)
	}
	datums := make([]Datum, len(list))
	for i, item := range list {
		if datums[i], err = item.datum(c.Now()); err != nil {
			return nil, err
		}
		datums[i].Region, datums[i].Namespace = c.Region, namespace
	}
	c.metrics = service.AppendNewest(c.metrics, datums...)
	return nil, nil
}

// datum reads and checks one member of MetricData. now is its timestamp if the client sent none.
func (in source) datum(now time.Time) (Datum, error) {
	var d Datum
	var err error
	if d.Name, err = in.text("MetricName"); err != nil {
		return d, err
	}
	if d.Name == "" {
		return d, missingParameter("The parameter %s is required.", in.path("MetricName"))
	}
	if len(d.Name) > 255 || !wire.IsPlainASCII(d.Name) {
		return d, badValue("The value %s for parameter %s is invalid.", d.Name, in.path("MetricName"))
	}
	if d.Dimensions, err = in.dimensions(); err != nil {
		return d, err
	}
	if d.Unit, err = in.text("Unit"); err != nil {
		return d, err
	}
	if d.Unit != "" && !slices.Contains(units, d.Unit) {
		return d, badValue("The parameter %s must be a value in the set [ %s ].", in.path("Unit"),
			strings.Join(units, ", "))
	}
	if err = in.values(&d); err != nil {
		return d, err
	}
	resolution, err := in.float("StorageResolution")
	switch {
	case err != nil:
		return d, err
	case resolution != nil && *resolution != 1 && *resolution != 60:
		return d, badValue("The parameter %s must be 1 or 60.", in.path("StorageResolution"))
	case resolution != nil:
		d.Resolution = int(*resolution)
	}
	if d.Time, err = in.time("Timestamp"); err != nil {
		return d, err
	}
	switch {
	case d.Time.IsZero():
		d.Time = now
	case d.Time.Before(now.Add(-maxPast)):
		return d, badValue("The parameter %s must specify a time no more than two weeks in the past.",
			in.path("Timestamp"))
	case d.Time.After(now.Add(maxFuture)):
		return d, badValue("The parameter %s must specify a time no more than two hours in the future.",
			in.path("Timestamp"))
	}
	return d, nil
}

func (in source) dimensions() ([]Dimension, error) {
	list, err := in.structures("Dimensions")
	if err != nil {
		return nil, err
	}
	if len(list) > maxDimensions {
		return nil, badValue("The collection %s must not have a size greater than %d.",
			in.path("Dimensions"), maxDimensions)
	}
	var dimensions []Dimension
	for _, item := range list {
		var d Dimension
		for _, part := range []struct {
			name string
			to   *string
			size int
		}{{"Name", &d.Name, 255}, {"Value", &d.Value, 1024}} {
			if *part.to, err = item.text(part.name); err != nil {
				return nil, err
			}
			switch text := *part.to; {
			case strings.TrimSpace(text) == "":
				return nil, missingParameter("The parameter %s is required.", item.path(part.name))
			case len(text) > part.size || !wire.IsPlainASCII(text) || part.name == "Name" && text[0] == ':':
				return nil, badValue("The value %s for parameter %s is invalid.", text, item.path(part.name))
			}
		}
		dimensions = append(dimensions, d)
	}
	return dimensions, nil
}

// values reads the measurement into d. The client must send exactly one of Value, Values (with
// optional Counts) and StatisticValues.
func (in source) values(d *Datum) error {
	var err error
	if d.Value, err = in.float("Value"); err != nil {
		return err
	}
	if d.Values, err = in.floats("Values"); err != nil {
		return err
	}
	if d.Counts, err = in.floats("Counts"); err != nil {
		return err
	}
	stats, given, err := in.structure("StatisticValues")
	if err != nil {
		return err
	}
	alternatives := 0
	for _, used := range []bool{d.Value != nil, len(d.Values) > 0, given} {
		if used {
			alternatives++
		}
	}
	switch {
	case alternatives == 0:
		return missingParameter("At least one of the parameters %s, %s and %s must be specified.",
			in.path("Value"), in.path("Values"), in.path("StatisticValues"))
	case alternatives > 1:
		return badCombination("The parameters %s, %s and %s are mutually exclusive and you have "+
			"specified more than one.", in.path("Value"), in.path("Values"), in.path("StatisticValues"))
	case len(d.Values) > maxValues:
		return badValue("The collection %s must not have a size greater than %d.", in.path("Values"),
			maxValues)
	case len(d.Counts) > 0 && len(d.Counts) != len(d.Values):
		return badValue("The parameters %s and %s must be of the same size.", in.path("Values"),
			in.path("Counts"))
	}
	if given {
		d.Statistics = &Statistics{}
		for _, part := range []struct {
			name string
			to   *float64
		}{
			{"SampleCount", &d.Statistics.SampleCount}, {"Sum", &d.Statistics.Sum},
			{"Minimum", &d.Statistics.Minimum}, {"Maximum", &d.Statistics.Maximum},
		} {
			v, err := stats.float(part.name)
			if err != nil {
				return err
			}
			if v == nil {
				return missingParameter("The parameter %s is required.", stats.path(part.name))
			}
			*part.to = *v
		}
	}
	return nil
}

// checkValue returns an error for a value that CloudWatch cannot store.
func checkValue(v float64, path string) error {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > maxValue {
		return badValue("The value %s for parameter %s is invalid.", fmt.Sprint(v), path)
	}
	return nil
}
