package awsemu

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// The prefixes of IAM's unique ids.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
const (
	prefixUser      = "AIDA"
	prefixGroup     = "AGPA"
	prefixRole      = "AROA"
	prefixPolicy    = "ANPA"
	prefixAccessKey = "AKIA"
	prefixSession   = "ASIA"
)

// uniqueID makes an id of the shape AWS gives, always the same for the same parts: tests and golden
// files can name it, and a restarted server gives a client the ids it has seen before.
func uniqueID(prefix string, parts ...string) string {
	return prefix + digest(parts)[:16]
}

func digest(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base32.StdEncoding.EncodeToString(sum[:])
}

// described is when something in an account's description was created: a fixed minute of 2024 that
// depends on its name alone. What clients create is as old as the server's clock says.
func described(parts ...string) time.Time {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	minutes := binary.BigEndian.Uint32(sum[:]) % (300 * 24 * 60)
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}
