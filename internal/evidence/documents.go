package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// DocumentsVersion is the schema version of the stored documents: docs/documents.schema.json. The
// member is not named schemaVersion, so that no release takes the documents for a state.
const DocumentsVersion = "1"

// MaxDocuments is the maximum length of the stored documents, in bytes.
const MaxDocuments = 1 << 20

// The limits of stored documents that this package reads. maxText is the length of the texts that
// are stored: the rest of MaxDocuments is for the names of targets that do not fit.
const (
	maxText    = MaxDocuments - 64<<10
	maxDropped = 100
	maxName    = 2048
)

var documentsLimits = jsonlimit.Limits{Bytes: MaxDocuments, Depth: 6, Values: 80_000,
	Elements: 12_000, UniqueKeys: true}

// ErrNewerDocuments is returned for documents that a newer release wrote. The caller must not
// overwrite them.
var ErrNewerDocuments = errors.New("a newer release wrote the documents: deploy that " +
	"release or a later one")

// DocumentsKey is the key of the documents of an auditor. The id of an auditor has no full stop, so
// that the key is not that of another auditor's state.
func DocumentsKey(account, auditor string) string {
	return statePrefix(account) + auditor + documentsSuffix
}

const documentsSuffix = ".documents.json"

// Documents are the policy documents that targets had in the last run in which all of their
// requirements were satisfied. The zero value has none.
type Documents struct {
	targets map[owner]targetDocuments
	texts   map[string]*sharedText // by their hashes
	size    int                    // of the targets and texts as JSON
	// limit is the smallest target that did not fit; nil if all fit. Larger targets do not fit either,
	// so that the order of the targets does not matter.
	limit   *targetDocuments
	dropped map[owner]bool
}

// owner identifies a target: a principal can be audited as a caller and as a render role.
type owner struct {
	kind audit.TargetKind
	name string
}

// targetDocuments are the documents of one target as they are stored.
type targetDocuments struct {
	Kind   audit.TargetKind `json:"kind"`
	Target string           `json:"target"`
	// At is the time of the run that found the target satisfied with these documents first.
	At       time.Time        `json:"at"`
	Policies []storedDocument `json:"policies"`

	size int // with the texts, as JSON
}

// storedDocument is one policy of a target. Document is the hash of its text.
type storedDocument struct {
	Kind     iampolicy.LocationKind `json:"kind"`
	Holder   string                 `json:"holder,omitempty"`
	Name     string                 `json:"name,omitempty"`
	ARN      string                 `json:"arn,omitempty"`
	Document string                 `json:"document"`
}

// storedDocuments is the form of the object.
type storedDocuments struct {
	Version string            `json:"documentsVersion"`
	Targets []targetDocuments `json:"targets"`
	Texts   map[string]string `json:"documents"`
	Dropped []string          `json:"dropped,omitempty"`
}

// sharedText is a text that targets share.
type sharedText struct {
	text string
	uses int
}

func (o owner) compare(p owner) int {
	return cmp.Or(cmp.Compare(o.kind, p.kind), cmp.Compare(o.name, p.name))
}

func (t targetDocuments) owner() owner { return owner{t.Kind, t.Target} }

// compare orders targets by size, and equal sizes by name.
func (t targetDocuments) compare(o targetDocuments) int {
	return cmp.Or(cmp.Compare(t.size, o.size), t.owner().compare(o.owner()))
}

// Add adds the documents of a target that a run at that time found satisfied, except policies of
// AWS. If the documents become too large, the largest targets are dropped.
func (d *Documents) Add(t audit.TargetFacts, at time.Time) {
	stored := targetDocuments{Kind: t.Kind, Target: t.Name, At: at.UTC().Truncate(time.Second)}
	texts := map[string]string{}
	add := func(at iampolicy.Location, document *iampolicy.Document) {
		text, err := document.MarshalJSON()
		if err != nil {
			return
		}
		hash := hashOf(string(text))
		texts[hash] = string(text)
		stored.Policies = append(stored.Policies, storedDocument{Kind: at.Kind, Holder: at.Holder,
			Name: at.Name, ARN: at.ARN, Document: hash})
	}
	policies := t.Grants.Identity
	if t.Grants.Boundary != nil {
		policies = append(slices.Clone(policies), *t.Grants.Boundary)
	}
	for _, p := range policies {
		if !p.ByAWS && p.Document != nil && storable[p.Location.Kind] {
			add(p.Location, p.Document)
		}
	}
	if t.Trust != nil {
		add(iampolicy.Location{Kind: iampolicy.TrustLocation, Holder: t.Name}, t.Trust)
	}
	d.insert(stored, texts)
}

// storable are the kinds of documents that are stored.
var storable = map[iampolicy.LocationKind]bool{iampolicy.InlineLocation: true,
	iampolicy.ManagedLocation: true, iampolicy.BoundaryLocation: true, iampolicy.TrustLocation: true}

// hashOf returns the hash of a text.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// insert adds a target, and drops the largest targets while the size is above the maximum.
func (d *Documents) insert(t targetDocuments, texts map[string]string) {
	if d.targets == nil {
		d.targets, d.texts, d.dropped = map[owner]targetDocuments{}, map[string]*sharedText{},
			map[owner]bool{}
	}
	d.remove(t.owner())
	if t.Policies == nil {
		t.Policies = []storedDocument{}
	}
	t.size = len(textfmt.JSON(t)) + 1
	for _, text := range texts {
		t.size += textSize(text)
	}
	if d.limit != nil && t.compare(*d.limit) >= 0 {
		d.dropped[t.owner()] = true
		return
	}
	d.targets[t.owner()] = t
	d.size += len(textfmt.JSON(t)) + 1
	for hash, text := range texts {
		shared := d.texts[hash]
		if shared == nil {
			shared = &sharedText{text: text}
			d.texts[hash] = shared
			d.size += textSize(text)
		}
		shared.uses++
	}
	for d.size > maxText && len(d.targets) > 0 {
		largest := slices.MaxFunc(slices.Collect(maps.Values(d.targets)), targetDocuments.compare)
		d.limit = &largest
		d.dropped[largest.owner()] = true
		d.remove(largest.owner())
	}
}

// textSize returns the size of a text with its hash.
func textSize(text string) int { return len(textfmt.JSON(text)) + 2*len(hashOf("")) }

// remove removes a target with the texts that no other target has.
func (d *Documents) remove(o owner) {
	t, ok := d.targets[o]
	if !ok {
		return
	}
	delete(d.targets, o)
	d.size -= len(textfmt.JSON(t)) + 1
	for hash := range t.hashes() {
		shared := d.texts[hash]
		if shared.uses--; shared.uses == 0 {
			d.size -= textSize(shared.text)
			delete(d.texts, hash)
		}
	}
}

// hashes returns the hashes of the texts of a target.
func (t targetDocuments) hashes() map[string]bool {
	set := map[string]bool{}
	for _, p := range t.Policies {
		set[p.Document] = true
	}
	return set
}

// AddOlder adds the targets of older documents that d does not have. For a target with the same
// documents, it keeps the time of the older ones.
func (d *Documents) AddOlder(older *Documents) {
	for _, t := range older.sorted() {
		if own, ok := d.targets[t.owner()]; ok {
			if slices.Equal(own.Policies, t.Policies) && t.At.Before(own.At) {
				own.At = t.At
				d.targets[t.owner()] = own
			}
			continue
		}
		texts := map[string]string{}
		for hash := range t.hashes() {
			texts[hash] = older.texts[hash].text
		}
		if !d.dropped[t.owner()] {
			d.insert(t, texts)
		}
	}
}

// sorted returns the targets in the order of their names.
func (d *Documents) sorted() []targetDocuments {
	return slices.SortedFunc(maps.Values(d.targets), func(a, b targetDocuments) int {
		return a.owner().compare(b.owner())
	})
}

// Hash identifies the documents without their times. It is empty if there are none.
func (d *Documents) Hash() string {
	if len(d.targets) == 0 {
		return ""
	}
	list := d.sorted()
	for i := range list {
		list[i].At = time.Time{}
	}
	return hashOf(textfmt.JSON(list))
}

// Dropped returns the names of targets whose documents did not fit.
func (d *Documents) Dropped() []string {
	var names []string
	for o := range d.dropped {
		names = append(names, o.name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxDropped)]
}

// JSON returns the documents as they are stored.
func (d *Documents) JSON() []byte {
	stored := storedDocuments{Version: DocumentsVersion,
		Targets: append([]targetDocuments{}, d.sorted()...), Texts: map[string]string{},
		Dropped: d.Dropped()}
	for hash, shared := range d.texts {
		stored.Texts[hash] = shared.text
	}
	return []byte(textfmt.JSON(stored) + "\n")
}

// ParseDocuments reads stored documents. It returns ErrNewerDocuments for those of a newer release.
// Any other error means that the text is damaged.
func ParseDocuments(text []byte) (*Documents, error) {
	if err := jsonlimit.Check(text, documentsLimits); err != nil {
		return nil, fmt.Errorf("the documents are too large: %w", err)
	}
	var stored storedDocuments
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, fmt.Errorf("the documents do not match their schema: %w", err)
	}
	version, err := strconv.Atoi(stored.Version)
	if own, _ := strconv.Atoi(DocumentsVersion); err == nil && version > own {
		return nil, fmt.Errorf("documentsVersion %d: %w", version, ErrNewerDocuments)
	}
	if err != nil || version < 1 {
		return nil, fmt.Errorf("the documents must have a documentsVersion of at least 1, got %s",
			textfmt.Quote(stored.Version, maxQuoted))
	}
	d := &Documents{}
	for _, t := range stored.Targets {
		texts := map[string]string{}
		t.Policies = slices.DeleteFunc(t.Policies, func(p storedDocument) bool {
			text, ok := stored.Texts[p.Document]
			valid := ok && hashOf(text) == p.Document && storable[p.Kind] &&
				len(p.Holder) <= maxName && len(p.Name) <= maxName && len(p.ARN) <= maxName
			if valid {
				texts[p.Document] = text
			}
			return !valid
		})
		known := t.Kind == audit.Caller || t.Kind == audit.RenderRole
		if !known || t.Target == "" || len(t.Target) > maxName || t.At.IsZero() {
			return nil, fmt.Errorf("the documents have an invalid target: %s",
				textfmt.Quote(t.Target, maxQuoted))
		}
		d.insert(t, texts)
	}
	return d, nil
}

// maxQuoted is how much of a value an error about damaged documents quotes.
const maxQuoted = 200

// Known returns the documents of a target that differ from those that the target has now.
func (d *Documents) Known(t audit.TargetFacts) (known []remedy.Known) {
	stored := d.targets[owner{t.Kind, t.Name}]
	for _, p := range stored.Policies {
		at := iampolicy.Location{Kind: p.Kind, Holder: p.Holder, Name: p.Name, ARN: p.ARN}
		if current := currentDocument(t, at); current != nil {
			if text, err := current.MarshalJSON(); err == nil && hashOf(string(text)) == p.Document {
				continue
			}
		}
		parse := iampolicy.Parse
		if p.Kind == iampolicy.TrustLocation {
			parse = iampolicy.ParseTrust
		}
		// The text was canonical, so that an error means another release or another author.
		document, err := parse(d.texts[p.Document].text)
		if err != nil {
			continue
		}
		known = append(known, remedy.Known{Location: at, Document: document,
			At: stored.At.UTC().Format(time.RFC3339)})
	}
	return known
}

// currentDocument returns the document that a target has at a location, or nil.
func currentDocument(t audit.TargetFacts, at iampolicy.Location) *iampolicy.Document {
	same := func(p iampolicy.Policy) bool {
		l := p.Location
		return l.Kind == at.Kind && l.Holder == at.Holder && l.Name == at.Name && l.ARN == at.ARN
	}
	if at.Kind == iampolicy.TrustLocation {
		return t.Trust
	}
	if i := slices.IndexFunc(t.Grants.Identity, same); i >= 0 {
		return t.Grants.Identity[i].Document
	}
	if b := t.Grants.Boundary; b != nil && same(*b) {
		return b.Document
	}
	return nil
}

// isDocuments reports whether a key is that of documents.
func isDocuments(key string) bool { return strings.HasSuffix(key, documentsSuffix) }
