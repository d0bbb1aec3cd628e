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
	`^\{"seq":([0-9]+),"field":(1[6-9]|2[0-9]|3[0-5]),"salt":"([A-Za-z0-9+/=]+)","value":"([A-Za-z0-9+/=]*)"\}$`)

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
	if badSeq != nil || badField != nil || badSalt != nil || badValue != nil || len(salt) != len(Hash{}) {
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
// entry says; and what was erased must be gone.
type values struct {
	from     int64 // the first entry that is held to anything
	missing  map[int64]map[Field]bool
	redacted map[int64]map[Field]bool
}

func newValues(from int64) *values {
	return &values{from: from, missing: map[int64]map[Field]bool{}, redacted: map[int64]map[Field]bool{}}
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
	if frame.Type != "assize.ledger.erased" {
		return nil
	}
	seq, fields, err := parseErasure(frame)
	if err != nil || seq < v.from {
		return err
	}
	return v.excuse(seq, fields)
}

var erasedForm = regexp.MustCompile(`^\{"seq":([0-9]+),"fields":\[("[a-z_]+"(?:,"[a-z_]+")*)\]\}$`)

// parseErasure reads of which earlier entry, and which of its fields, an entry says that they were erased.
func parseErasure(frame *Frame) (int64, []Field, error) {
	wrong := notProvenAt(frame.Seq, "entry %d does not say what was erased", frame.Seq)
	payload, _ := frame.Text(FieldPayload)
	said := erasedForm.FindStringSubmatch(payload)
	if said == nil {
		return 0, nil, wrong
	}
	seq, err := decimal(said[1])
	if err != nil || seq >= frame.Seq {
		return 0, nil, wrong
	}
	var fields []Field
	for _, name := range strings.Split(strings.ReplaceAll(said[2], `"`, ""), ",") {
		field, known := fieldOfName(name)
		isNext := len(fields) == 0 || field > fields[len(fields)-1]
		if !known || !isNext || field < FieldCategory || field > FieldIdempotencyKey {
			return 0, nil, wrong
		}
		fields = append(fields, field)
	}
	return seq, fields, nil
}

// excuse takes an entry's word that values of an earlier one were erased.
func (v *values) excuse(seq int64, fields []Field) error {
	for _, field := range fields {
		if !v.missing[seq][field] && !v.redacted[seq][field] {
			return notProvenAt(seq, "%s of entry %d was erased, and is not gone", field, seq)
		}
		if v.redacted[seq] == nil {
			v.redacted[seq] = map[Field]bool{}
		}
		v.redacted[seq][field] = true
		delete(v.missing[seq], field)
	}
	if len(v.missing[seq]) == 0 {
		delete(v.missing, seq)
	}
	return nil
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
