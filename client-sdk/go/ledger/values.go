package ledger

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// kept is a value beside an entry, with the salt that opens its commitment.
type kept struct {
	seq         int64
	field       Field
	salt, value []byte
}

var keptForm = regexp.MustCompile(
	`^\{"seq":(0|[1-9][0-9]{0,18}),"field":([1-9][0-9]),"salt":"([A-Za-z0-9+/=]+)","value":"([A-Za-z0-9+/=]*)"\}$`)

// readKept reads the values beside the entries from first to before end: each in its place, and none twice.
func readKept(file []byte, first, end int64) (map[int64][]kept, error) {
	listed, err := lines(string(file))
	if err != nil {
		return nil, err
	}
	values := map[int64][]kept{}
	before := kept{seq: first}
	for _, line := range listed {
		value, err := parseKept(line)
		if err != nil {
			return nil, err
		}
		isBehind := value.seq > before.seq || value.seq == before.seq && value.field > before.field
		if !isBehind || value.seq >= end {
			return nil, notProven("the values beside the entries from %d are not in their order", first)
		}
		values[value.seq] = append(values[value.seq], value)
		before = value
	}
	return values, nil
}

func parseKept(line string) (kept, error) {
	wrong := notProven("a line of a list of values is not of its form")
	said := keptForm.FindStringSubmatch(line)
	if said == nil {
		return kept{}, wrong
	}
	seq, badSeq := decimal(said[1])
	field, badField := decimal(said[2])
	salt, badSalt := unbase64(said[3])
	value, badValue := unbase64(said[4])
	if badSeq != nil || badField != nil || badSalt != nil || badValue != nil {
		return kept{}, wrong
	}
	return kept{seq, Field(field), salt, value}, nil
}

// line is the one form in which a value stands.
func (k kept) line() string {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(`{"seq":%d,"field":%d,"salt":"%s","value":"%s"}`+"\n", k.seq, k.field, encode(k.salt), encode(k.value))
}

// values holds what is kept beside entries to what they committed to. What is gone must have been erased, as a later
// entry says.
type values struct {
	missing  map[int64]map[Field]bool
	redacted map[int64]bool
}

func newValues() *values {
	return &values{missing: map[int64]map[Field]bool{}, redacted: map[int64]bool{}}
}

// take takes the next entry, with what is kept beside it.
func (v *values) take(frame *Frame, beside []kept) error {
	unopened := map[Field]Commitment{}
	for _, commitment := range frame.Commitments {
		unopened[commitment.Field] = commitment
	}
	for _, value := range beside {
		commitment, committed := unopened[value.field]
		if !committed || !commitment.opens(value.salt, value.value) {
			return notProvenAt(frame.Seq, "entry %d did not commit to the value of field %d beside it", frame.Seq, value.field)
		}
		if err := frameFields[value.field].form.require(value.value); err != nil {
			return notProvenAt(frame.Seq, "the value of field %d beside entry %d: %s", value.field, frame.Seq, err)
		}
		delete(unopened, value.field)
	}
	if len(unopened) > 0 {
		v.missing[frame.Seq] = map[Field]bool{}
		for field := range unopened {
			v.missing[frame.Seq][field] = true
		}
	}
	v.excuse(frame)
	return nil
}

var erasedForm = regexp.MustCompile(`^\{"seq":(0|[1-9][0-9]{0,18}),"fields":\[("[a-z_]+"(?:,"[a-z_]+")*)\]\}$`)

// excuse takes an entry's word that values of an earlier one were erased.
func (v *values) excuse(frame *Frame) {
	payload, _ := frame.Text(FieldPayload)
	said := erasedForm.FindStringSubmatch(payload)
	if frame.Type != "assize.ledger.erased" || said == nil {
		return
	}
	seq, err := decimal(said[1])
	missing := v.missing[seq]
	if err != nil || missing == nil || seq >= frame.Seq {
		return
	}
	for _, name := range strings.Split(strings.ReplaceAll(said[2], `"`, ""), ",") {
		if field, known := fieldOfName(name); known && missing[field] {
			delete(missing, field)
			v.redacted[seq] = true
		}
	}
	if len(missing) == 0 {
		delete(v.missing, seq)
	}
}

// end ends the ledger: what is still missing was not erased.
func (v *values) end() error {
	if len(v.missing) == 0 {
		return nil
	}
	first := slices.Min(slices.Collect(maps.Keys(v.missing)))
	field := slices.Min(slices.Collect(maps.Keys(v.missing[first])))
	return notProvenAt(first, "entry %d has lost its %s, and no entry says that it was erased", first, field)
}
