package encoding

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// inUTF16 returns a text with a byte order mark in UTF-16.
func inUTF16(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(byteOrderMark + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestDecode(t *testing.T) {
	const text = "{\r\n  \"Sid\": \"Größe 🎬\"\r\n}\r\n"
	for _, tt := range []struct{ name, file, text, note, err string }{
		{name: "UTF-8 with CRLF", file: text, text: text},
		{name: "an empty file"},
		{name: "a byte order mark", file: byteOrderMark + text, text: text,
			note: "byte order mark, which IAM refuses"},
		{name: "UTF-16 LE", file: inUTF16(text, binary.LittleEndian), text: text, note: "UTF-16"},
		{name: "UTF-16 BE", file: inUTF16(text, binary.BigEndian), text: text, note: "UTF-16"},
		{name: "Latin-1 in the second line", file: "{\n\"Sid\": \"Gr\xf6\xdfe\"}", err: "line 2: "},
		{name: "an odd number of bytes in UTF-16", file: inUTF16("a", binary.LittleEndian) + "\n",
			err: "line 1: the file is not UTF-16"},
		{name: "half a surrogate pair in the third line",
			file: inUTF16("a\nb\n", binary.LittleEndian) + "\x00\xd8", err: "line 3: "},
		{name: "UTF-16 without a byte order mark", file: "{\x00\n\x00", err: "without a byte order mark"},
		{name: "UTF-32", file: "\xff\xfe\x00\x00{\x00\x00\x00", err: "UTF-32"},
		{name: "a binary plan", file: archive + "\x14\x00", err: "terraform show -json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, note, err := Decode([]byte(tt.file))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q in it", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.text || (note == "") != (tt.note == "") ||
				!strings.Contains(note, tt.note) {
				t.Errorf("got %q, note %q, error %v", got, note, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(byteOrderMark + "{}"))
	f.Add([]byte(inUTF16("{\n}", binary.LittleEndian)))
	f.Add([]byte(inUTF16("🎬", binary.BigEndian)))
	f.Add([]byte("\xff\xfe\x00\xd8"))
	f.Add([]byte("a\n\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		text, note, err := Decode(file)
		if err != nil {
			return
		}
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		if note == "" && text != string(file) {
			t.Errorf("got %q for %q, want the same text without a note", text, file)
		}
	})
}
