package service

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
	PrefixUser    = "AIDA"
	PrefixGroup   = "AGPA"
	PrefixRole    = "AROA"
	PrefixPolicy  = "ANPA"
	PrefixSession = "ASIA"
)

// UniqueID returns an id in the format of AWS. The same parts give the same id, so that tests and
// golden files can contain the id, and a restarted server returns it again.
func UniqueID(prefix string, parts ...string) string {
	return prefix + digest(parts)[:16]
}

func digest(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base32.StdEncoding.EncodeToString(sum[:])
}

// CreationTime returns the creation time of an entity that the Account describes: a minute of
// 2024 that depends only on parts. An entity that a client creates has the time of the server's
// clock.
func CreationTime(parts ...string) time.Time {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	minutes := binary.BigEndian.Uint32(sum[:]) % (300 * 24 * 60)
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

// Secret returns the secret of an access key: 40 characters, as clients expect. The secret is
// derived from the key id and protects nothing.
func Secret(key string) string { return digest([]string{"secret", key})[:40] }
