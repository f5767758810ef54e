package cloudwatch_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestPutMetricDataStoresTheSDKsCBOR(t *testing.T) {
	srv := &awsemu.Server{Now: emutest.AtNoon}
	c := emutest.Connect(t, srv).CloudWatch
	early := emutest.Noon.Add(-90*time.Minute - 250*time.Millisecond)
	_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("RemotionAudit"),
		MetricData: []types.MetricDatum{
			{MetricName: aws.String("Gaps"), Value: aws.Float64(0), Unit: types.StandardUnitCount,
				Dimensions: []types.Dimension{{Name: aws.String("Target"), Value: aws.String("user/ci")}}},
			{MetricName: aws.String("OldestGapAge"), Values: []float64{1, 2.5}, Counts: []float64{3, 4},
				Timestamp: &early, StorageResolution: aws.Int32(1)},
			{MetricName: aws.String("S"), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(2),
				Sum: aws.Float64(3), Minimum: aws.Float64(1), Maximum: aws.Float64(2)}},
		},
		EntityMetricData: []types.EntityMetricData{
			{MetricData: []types.MetricDatum{{MetricName: aws.String("E"), Value: aws.Float64(-1)}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const ns, region = "RemotionAudit", "us-east-1"
	want := []awsemu.Datum{
		{Region: region, Namespace: ns, Name: "Gaps", Value: aws.Float64(0), Unit: "Count",
			Dimensions: []awsemu.Dimension{{"Target", "user/ci"}}, Time: emutest.Noon},
		{Region: region, Namespace: ns, Name: "OldestGapAge", Values: []float64{1, 2.5},
			Counts: []float64{3, 4}, Time: early, Resolution: 1},
		{Region: region, Namespace: ns, Name: "S", Statistics: &awsemu.Statistics{2, 3, 1, 2},
			Time: emutest.Noon},
		{Region: region, Namespace: ns, Name: "E", Value: aws.Float64(-1), Time: emutest.Noon},
	}
	if got := srv.Metrics(); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", emutest.AsJSON(got), emutest.AsJSON(want))
	}
	if got := srv.Calls()[0]; got.Service != "cloudwatch" || got.Operation != "PutMetricData" ||
		got.Params["Namespace"] != ns {
		t.Errorf("recorded as %+v", got)
	}
}

func TestPutMetricDataReadsTheSDKsCompressedRequests(t *testing.T) {
	srv := &awsemu.Server{Now: emutest.AtNoon}
	var data []types.MetricDatum
	for i := range 1000 { // large enough that the SDK sends gzip
		data = append(data, types.MetricDatum{MetricName: aws.String(fmt.Sprint("metric", i)),
			Value: aws.Float64(float64(i))})
	}
	if _, err := emutest.Connect(t, srv).CloudWatch.PutMetricData(t.Context(),
		&cloudwatch.PutMetricDataInput{Namespace: aws.String("N"), MetricData: data}); err != nil {
		t.Fatal(err)
	}
	if got := srv.Metrics(); len(got) != 1000 || *got[999].Value != 999 {
		t.Errorf("%d metrics", len(got))
	}
}

func TestPutMetricDataRefusesTheSameRequestsAsCloudWatch(t *testing.T) {
	srv := &awsemu.Server{Now: emutest.AtNoon}
	c := emutest.Connect(t, srv).CloudWatch
	datum := func(set func(*types.MetricDatum)) func(*cloudwatch.PutMetricDataInput) {
		return func(in *cloudwatch.PutMetricDataInput) {
			set(&in.MetricData[1])
		}
	}
	value := func(v float64) func(*cloudwatch.PutMetricDataInput) {
		return datum(func(d *types.MetricDatum) { d.Value = &v })
	}
	tests := []struct {
		name, code, message string
		set                 func(*cloudwatch.PutMetricDataInput)
	}{
		{"a namespace of AWS", "InvalidParameterValue",
			"The value AWS/ for parameter Namespace is invalid.", func(in *cloudwatch.PutMetricDataInput) {
				in.Namespace = aws.String("AWS/Lambda")
			}},
		{"a namespace that begins with a colon", "InvalidParameterValue", "",
			func(in *cloudwatch.PutMetricDataInput) { in.Namespace = aws.String(":n") }},
		{"no data", "MissingParameter", "The parameter MetricData is required.",
			func(in *cloudwatch.PutMetricDataInput) { in.MetricData = nil }},
		{"a thousand and one metrics", "InvalidParameterValue",
			"The collection MetricData must not have a size greater than 1000.",
			func(in *cloudwatch.PutMetricDataInput) {
				for range 999 {
					in.MetricData = append(in.MetricData, types.MetricDatum{MetricName: aws.String("x"),
						Value: aws.Float64(1)})
				}
			}},
		{"NaN", "InvalidParameterValue",
			"The value NaN for parameter MetricData.member.2.Value is invalid.", value(math.NaN())},
		{"infinity", "InvalidParameterValue",
			"The value +Inf for parameter MetricData.member.2.Value is invalid.", value(math.Inf(1))},
		{"a value below -2^360", "InvalidParameterValue", "", value(math.Ldexp(-1, 361))},
		{"an unknown unit", "InvalidParameterValue", "",
			datum(func(d *types.MetricDatum) { d.Unit = "Gaps" })},
		{"thirty-one dimensions", "InvalidParameterValue",
			"The collection MetricData.member.2.Dimensions must not have a size greater than 30.",
			datum(func(d *types.MetricDatum) {
				for i := range 31 {
					d.Dimensions = append(d.Dimensions, types.Dimension{Name: aws.String(fmt.Sprint(i)),
						Value: aws.String("v")})
				}
			})},
		{"an empty dimension", "MissingParameter",
			"The parameter MetricData.member.2.Dimensions.member.1.Value is required.",
			datum(func(d *types.MetricDatum) {
				d.Dimensions = []types.Dimension{{Name: aws.String("n"), Value: aws.String(" ")}}
			})},
		{"a dimension that is not ASCII", "InvalidParameterValue",
			"The value ü for parameter MetricData.member.2.Dimensions.member.1.Value is invalid.",
			datum(func(d *types.MetricDatum) {
				d.Dimensions = []types.Dimension{{Name: aws.String("n"), Value: aws.String("ü")}}
			})},
		{"a value and values", "InvalidParameterCombination", "",
			datum(func(d *types.MetricDatum) { d.Values = []float64{1} })},
		{"neither value nor values", "MissingParameter", "",
			datum(func(d *types.MetricDatum) { d.Value = nil })},
		{"values and too few counts", "InvalidParameterValue", "",
			datum(func(d *types.MetricDatum) {
				d.Value, d.Values, d.Counts = nil, []float64{1, 2},
					[]float64{1}
			})},
		{"a hundred and fifty-one values", "InvalidParameterValue", "",
			datum(func(d *types.MetricDatum) { d.Value, d.Values = nil, make([]float64, 151) })},
		{"a time more than two weeks ago", "InvalidParameterValue", "",
			datum(func(d *types.MetricDatum) {
				d.Timestamp = aws.Time(emutest.Noon.Add(
					-15 * 24 * time.Hour))
			})},
		{"a time more than two hours ahead", "InvalidParameterValue", "",
			datum(func(d *types.MetricDatum) { d.Timestamp = aws.Time(emutest.Noon.Add(3 * time.Hour)) })},
		{"a resolution of five seconds", "InvalidParameterValue", "",
			datum(func(d *types.MetricDatum) { d.StorageResolution = aws.Int32(5) })},
		{"an empty name", "MissingParameter", "The parameter MetricData.member.2.MetricName is required.",
			datum(func(d *types.MetricDatum) { d.MetricName = aws.String("") })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("N"), MetricData: []types.MetricDatum{
				{MetricName: aws.String("fine"), Value: aws.Float64(1)},
				{MetricName: aws.String("x"), Value: aws.Float64(1)},
			}}
			tt.set(in)
			_, err := c.PutMetricData(t.Context(), in)
			emutest.WantError(t, err, tt.code, tt.message)
		})
	}
	if n := len(srv.Metrics()); n != 0 {
		t.Errorf("%d metrics of refused requests are stored, want 0", n)
	}
	var typed *types.InvalidParameterValueException
	_, err := c.PutMetricData(t.Context(),
		&cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/X"),
			MetricData: []types.MetricDatum{{MetricName: aws.String("x"), Value: aws.Float64(1)}}})
	if !errors.As(err, &typed) {
		t.Errorf("%v is not an InvalidParameterValueException", err)
	}
}

func TestPutMetricDataReadsJSONAndCBOR(t *testing.T) {
	target := map[string]string{"Content-Type": "application/x-amz-json-1.1",
		"X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}
	rpc := map[string]string{"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
	const path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
	want := awsemu.Datum{
		Region: "eu-west-1", Namespace: "N", Name: "m", Value: aws.Float64(1.5), Unit: "Count/Second",
		Dimensions: []awsemu.Dimension{{"d", "v w"}},
		Time:       emutest.Noon.Add(-time.Hour),
	}
	tests := []struct {
		name, path string
		header     map[string]string
		body       string
		status     int
		contains   string // a part of the reply
		stored     bool
	}{
		{"a Query request is refused, because no client sends one", "/",
			map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
			"Action=PutMetricData&Version=2010-08-01&Namespace=N", 400, "InvalidAction", false},
		{"a JSON request is stored", "/", target,
			`{"Namespace":"N","MetricData":[{"MetricName":"m","Value":1.5,"Unit":"Count/Second","Dimensions":[{"Name":"d","Value":"v w"}],"Timestamp":1794654000}]}`, 200, "{}", true},
		{"a JSON request with NaN is refused", "/", target,
			`{"Namespace":"N","MetricData":[{"MetricName":"m","Value":"NaN"}]}`, 400,
			`"__type":"com.amazonaws.cloudwatch#InvalidParameterValueException"`, false},
		{"JSON with values of the wrong types is refused", "/", target,
			`{"Namespace":7,"MetricData":{}}`, 400,
			"SerializationException", false},
		{"invalid JSON is refused", "/", target, `{`, 400, "SerializationException", false},
		{"invalid CBOR is refused", path, rpc, "\xff\x00", 400, "SerializationException", false},
		{"CBOR that is not a map is refused", path, rpc, "\x01", 400, "SerializationException", false},
		{"an operation that is not offered is refused",
			"/service/GraniteServiceVersion20100801/operation/ListMetrics", rpc, "\xa0", 400,
			"InvalidAction", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := &awsemu.Server{Now: emutest.AtNoon}
			header := maps.Clone(tt.header)
			header["Authorization"] = emutest.Authorization(emutest.AnyKey, "eu-west-1", "monitoring")
			resp, body := emutest.Do(t, "POST", emutest.Listen(t, srv)+tt.path, header, tt.body)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.contains) {
				t.Errorf("got %d %q, want %d with %s", resp.StatusCode, body, tt.status, tt.contains)
			}
			if tt.status == 400 && tt.header["X-Amz-Target"] != "" &&
				resp.Header.Get("X-Amzn-Query-Error") == "" {
				t.Error("the error reply has no header X-Amzn-Query-Error")
			}
			got := srv.Metrics()
			if tt.stored && (len(got) != 1 || !reflect.DeepEqual(got[0], want)) {
				t.Errorf("stored %s\nwant %s", emutest.AsJSON(got), emutest.AsJSON(want))
			}
			if !tt.stored && len(got) != 0 {
				t.Errorf("stored %s, want nothing", emutest.AsJSON(got))
			}
		})
	}
}
