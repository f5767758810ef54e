package lambda

import (
	"encoding/binary"
	"hash/crc32"
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// streamed returns the reply of a function as an event stream: one chunk for each megabyte of the
// reply, and the end of the invocation.
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
func streamed(reply []byte, failure error) wire.RestResult {
	const chunk = 1 << 20
	var body []byte
	for len(reply) > 0 {
		n := min(chunk, len(reply))
		body = appendEvent(body, "PayloadChunk", "application/octet-stream", reply[:n])
		reply = reply[n:]
	}
	end := []byte("{}")
	if failure != nil {
		end, _ = encode(map[string]string{"ErrorCode": "Unhandled", // a map of strings has no error
			"ErrorDetails": failure.Error()})
	}
	body = appendEvent(body, "InvokeComplete", "application/json", end)
	return wire.RestResult{Body: body, Header: http.Header{
		"Content-Type":           {"application/vnd.amazon.eventstream"},
		"X-Amz-Executed-Version": {"$LATEST"}}}
}

// appendEvent appends one event of an event stream.
// https://smithy.io/2.0/aws/amazon-eventstream.html
func appendEvent(out []byte, name, contentType string, payload []byte) []byte {
	var headers []byte
	for _, h := range [][2]string{{":message-type", "event"}, {":event-type", name},
		{":content-type", contentType}} {
		const stringType = 7
		headers = append(append(headers, byte(len(h[0]))), h[0]...)
		headers = append(headers, stringType)
		headers = append(binary.BigEndian.AppendUint16(headers, uint16(len(h[1]))), h[1]...)
	}
	const prelude, sum = 12, 4
	start := len(out)
	out = binary.BigEndian.AppendUint32(out, uint32(prelude+len(headers)+len(payload)+sum))
	out = binary.BigEndian.AppendUint32(out, uint32(len(headers)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
	out = append(append(out, headers...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
}
