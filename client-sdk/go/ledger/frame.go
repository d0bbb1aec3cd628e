package ledger

import (
	"encoding/binary"
	"time"
)

// MaxFrameBytes is how long a frame may be.
const MaxFrameBytes = 65_535

// Field is the number of a field of a frame; docs/ledger-format.md says what each means.
type Field uint16

const (
	FieldOrigin Field = iota + 1
	FieldIncarnation
	FieldSeq
	FieldPrevHash
	FieldRecordedAt
	FieldRecordedBy
	FieldRecordedByTenant
	FieldType
)

const (
	FieldCategory Field = iota + 16
	FieldActor
	FieldActorTenant
	FieldOnBehalfOf
	FieldRole
	FieldAction
	FieldResource
	FieldEnv
	FieldOutcome
	FieldOccurredAt
	FieldRunID
	FieldDecisionID
	FieldReason
	FieldOverride
	FieldPayload
	FieldReads
	FieldWrites
	FieldTraceContext
	FieldMasked
	FieldIdempotencyKey
	FieldCommitments
)

// presence is when a field must be there.
type presence int

const (
	optional presence = iota
	always
	unlessCommitted
)

// The fields of version 1.
var frameFields = map[Field]struct {
	name     string
	form     form
	presence presence
}{
	FieldOrigin:           {"origin", formText, always},
	FieldIncarnation:      {"incarnation", formIncarnation, always},
	FieldSeq:              {"seq", formPosition, always},
	FieldPrevHash:         {"prev_hash", formHash, always},
	FieldRecordedAt:       {"recorded_at", formTime, always},
	FieldRecordedBy:       {"recorded_by", formText, always},
	FieldRecordedByTenant: {"recorded_by_tenant", formText, always},
	FieldType:             {"type", formText, always},
	FieldCategory:         {"category", formText, optional},
	FieldActor:            {"actor", formText, unlessCommitted},
	FieldActorTenant:      {"actor_tenant", formText, optional},
	FieldOnBehalfOf:       {"on_behalf_of", formText, optional},
	FieldRole:             {"role", formText, optional},
	FieldAction:           {"action", formText, unlessCommitted},
	FieldResource:         {"resource", formText, unlessCommitted},
	FieldEnv:              {"env", formText, unlessCommitted},
	FieldOutcome:          {"outcome", formOutcome, unlessCommitted},
	FieldOccurredAt:       {"occurred_at", formTime, optional},
	FieldRunID:            {"run_id", formText, optional},
	FieldDecisionID:       {"decision_id", formText, optional},
	FieldReason:           {"reason", formText, optional},
	FieldOverride:         {"override", formFlag, optional},
	FieldPayload:          {"payload", formText, optional},
	FieldReads:            {"reads", formTexts, optional},
	FieldWrites:           {"writes", formTexts, optional},
	FieldTraceContext:     {"trace_context", formText, optional},
	FieldMasked:           {"masked", formTexts, optional},
	FieldIdempotencyKey:   {"idempotency_key", formText, optional},
	FieldCommitments:      {"payload_commitments", formCommitments, optional},
}

func (f Field) String() string { return frameFields[f].name }

// Frame is the content of an entry, read from its exact bytes.
type Frame struct {
	Origin      string
	Incarnation uint32
	Seq         int64
	PrevHash    Hash
	RecordedAt  time.Time
	Type        string
	Commitments []Commitment

	values map[Field][]byte
}

// Commitment stands for a value that is kept beside the frame.
type Commitment struct {
	Field Field
	Hash  Hash
}

// opens tells whether the commitment was made to the value, under that salt.
func (c Commitment) opens(salt, value []byte) bool {
	number := binary.BigEndian.AppendUint16(nil, uint16(c.Field))
	length := binary.BigEndian.AppendUint32(nil, uint32(len(value)))
	return len(salt) == len(Hash{}) && c.Hash == hashOf([]byte{2}, salt, number, length, value)
}

// ReadFrame reads the bytes of an entry, and refuses them where they break any rule of the format.
func ReadFrame(bytes []byte) (*Frame, error) {
	if len(bytes) > MaxFrameBytes {
		return nil, notProven("a frame has at most %d bytes", MaxFrameBytes)
	}
	if len(bytes) == 0 || bytes[0] != 1 {
		return nil, notProven("not a frame of version 1")
	}
	read, err := fields(bytes[1:])
	if err != nil {
		return nil, err
	}
	frame := &Frame{values: map[Field][]byte{}}
	for _, field := range read {
		definition, known := frameFields[Field(field.number)]
		if !known {
			return nil, notProven("field %d is unknown", field.number)
		}
		if err := definition.form.require(field.value); err != nil {
			return nil, notProven("%s: %s", definition.name, err)
		}
		frame.values[Field(field.number)] = field.value
	}
	return frame, frame.complete()
}

// complete sets what every frame has, and refuses one that lacks something.
func (f *Frame) complete() error {
	if value, has := f.values[FieldCommitments]; has {
		f.Commitments, _ = commitments(value) // its form was required
	}
	committed := map[Field]bool{}
	for _, commitment := range f.Commitments {
		if _, has := f.values[commitment.Field]; has {
			return notProven("%s is there, and committed to", commitment.Field)
		}
		committed[commitment.Field] = true
	}
	for number, definition := range frameFields {
		_, has := f.values[number]
		if !has && (definition.presence == always || definition.presence == unlessCommitted && !committed[number]) {
			return notProven("%s is missing", definition.name)
		}
	}
	f.Origin, _ = f.Text(FieldOrigin)
	f.Type, _ = f.Text(FieldType)
	f.Incarnation = uint32(unsigned(f.values[FieldIncarnation]))
	f.Seq = int64(unsigned(f.values[FieldSeq]))
	f.PrevHash = Hash(f.values[FieldPrevHash])
	f.RecordedAt, _ = f.Time(FieldRecordedAt)
	return nil
}

// Text is the value of a field of that form; false where it is absent, which is not the same as empty.
func (f *Frame) Text(field Field) (string, bool) {
	value, has := f.values[field]
	if frameFields[field].form != formText {
		return "", false
	}
	return string(value), has
}

// Texts are the elements of a list; nil where it is absent.
func (f *Frame) Texts(field Field) []string {
	if frameFields[field].form != formTexts || f.values[field] == nil {
		return nil
	}
	read, _ := texts(f.values[field]) // its form was required
	return read
}

// Time is the value of a field of that form; false where it is absent.
func (f *Frame) Time(field Field) (time.Time, bool) {
	value, has := f.values[field]
	if !has || frameFields[field].form != formTime {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(unsigned(value))).UTC(), true
}

// Outcome is 1 success, 2 failure, 3 denied, 4 partial; 0 where it is kept beside the frame.
func (f *Frame) Outcome() int { return int(unsigned(f.values[FieldOutcome])) }

// Override tells whether elevated privileges were used.
func (f *Frame) Override() bool { return len(f.values[FieldOverride]) > 0 }

func (f *Frame) micros() int64 { return int64(unsigned(f.values[FieldRecordedAt])) }

// commitments reads u16 field number || 32 bytes, in strictly ascending order of fields 16 to 35.
func commitments(rest []byte) ([]Commitment, error) {
	const size = 2 + len(Hash{})
	if len(rest) == 0 || len(rest)%size != 0 {
		return nil, notProven("a list of commitments is torn, or has none")
	}
	var read []Commitment
	for ; len(rest) > 0; rest = rest[size:] {
		field := Field(binary.BigEndian.Uint16(rest))
		if field < FieldCategory || field > FieldIdempotencyKey || len(read) > 0 && read[len(read)-1].Field >= field {
			return nil, notProven("a commitment to field %d does not stand there", field)
		}
		read = append(read, Commitment{field, Hash(rest[2:size])})
	}
	return read, nil
}

func fieldOfName(name string) (Field, bool) {
	for field, definition := range frameFields {
		if definition.name == name {
			return field, true
		}
	}
	return 0, false
}
