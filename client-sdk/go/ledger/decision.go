package ledger

import (
	"regexp"
	"strconv"
	"time"
)

// MaxRecordBytes is how long the record of a decision may be.
const MaxRecordBytes = 16_000

const (
	recordVersion     = 0xd1
	maxDecisions      = 1024
	recordedDecisions = "assize.decisions.recorded"
)

// RecordField is the number of a field of a record; docs/ledger-format.md says what each means.
type RecordField uint16

const (
	RecordSalt RecordField = iota + 1
	RecordDecisionID
	RecordDecidedAt
	RecordCaller
	RecordCallerTenant
	RecordSubject
	RecordSubjectTenant
	RecordOnBehalfOf
	RecordOnBehalfOfTenant
	RecordAction
	RecordResource
	RecordEnv
	RecordRunID
	RecordActiveRoles
	RecordDecision
	RecordReason
	RecordDelegatorReason
	RecordBinding
	RecordRole
	RecordRule
	RecordFreeze
	RecordSeparationOfDuty
	RecordApprovalRule
	RecordRevision
	RecordPlatformRevision
	RecordApprovalID
	RecordObligations
	RecordAttributes
	RecordTraceContext
)

var recordFields = map[RecordField]struct {
	form     form
	presence presence
}{
	RecordSalt:             {formSalt, always},
	RecordDecisionID:       {formText, always},
	RecordDecidedAt:        {formTime, always},
	RecordCaller:           {formText, always},
	RecordCallerTenant:     {formText, always},
	RecordSubject:          {formText, always},
	RecordSubjectTenant:    {formText, always},
	RecordOnBehalfOf:       {formText, optional},
	RecordOnBehalfOfTenant: {formText, optional},
	RecordAction:           {formText, always},
	RecordResource:         {formText, always},
	RecordEnv:              {formText, always},
	RecordRunID:            {formText, optional},
	RecordActiveRoles:      {formTexts, optional},
	RecordDecision:         {formChoice, always},
	RecordReason:           {formText, always},
	RecordDelegatorReason:  {formText, optional},
	RecordBinding:          {formText, optional},
	RecordRole:             {formText, optional},
	RecordRule:             {formIndex, optional},
	RecordFreeze:           {formText, optional},
	RecordSeparationOfDuty: {formText, optional},
	RecordApprovalRule:     {formText, optional},
	RecordRevision:         {formPosition, always},
	RecordPlatformRevision: {formPosition, always},
	RecordApprovalID:       {formText, optional},
	RecordObligations:      {formTexts, optional},
	RecordAttributes:       {formHash, optional},
	RecordTraceContext:     {formText, optional},
}

// Record is a decision on record, read from its exact bytes.
type Record struct {
	Allowed bool

	values map[RecordField][]byte
}

// ReadRecord reads the bytes of a record, and refuses them where they break any rule of the format.
func ReadRecord(bytes []byte) (*Record, error) {
	if len(bytes) > MaxRecordBytes {
		return nil, notProven("a record has at most %d bytes", MaxRecordBytes)
	}
	if len(bytes) == 0 || bytes[0] != recordVersion {
		return nil, notProven("not a record of version 1")
	}
	read, err := fields(bytes[1:])
	if err != nil {
		return nil, err
	}
	record := &Record{values: map[RecordField][]byte{}}
	for _, field := range read {
		definition, known := recordFields[RecordField(field.number)]
		if !known {
			return nil, notProven("field %d of a record is unknown", field.number)
		}
		if err := definition.form.require(field.value); err != nil {
			return nil, notProven("field %d of a record: %s", field.number, err)
		}
		record.values[RecordField(field.number)] = field.value
	}
	return record, record.complete()
}

func (r *Record) complete() error {
	for number, definition := range recordFields {
		if definition.presence == always && !r.has(number) {
			return notProven("field %d of a record is missing", number)
		}
	}
	r.Allowed = unsigned(r.values[RecordDecision]) == 1
	deciding := 0
	for _, field := range []RecordField{RecordBinding, RecordFreeze, RecordSeparationOfDuty, RecordApprovalRule} {
		if r.has(field) {
			deciding++
		}
	}
	reason, _ := r.Text(RecordReason)
	switch {
	case deciding > 1:
		return notProven("more than one thing decided")
	case r.has(RecordOnBehalfOf) != r.has(RecordOnBehalfOfTenant):
		return notProven("on whose behalf it was asked has a home, and nobody else has")
	case r.has(RecordBinding) != r.has(RecordRole) || r.has(RecordBinding) != r.has(RecordRule):
		return notProven("a binding, its role and its rule stand together")
	case r.Allowed != (reason == "ALLOWED"):
		return notProven("decision and reason contradict each other")
	}
	return nil
}

func (r *Record) has(field RecordField) bool {
	_, has := r.values[field]
	return has
}

// Text is the value of a field of that form; false where it is absent.
func (r *Record) Text(field RecordField) (string, bool) {
	if recordFields[field].form != formText {
		return "", false
	}
	return string(r.values[field]), r.has(field)
}

// Texts are the elements of a list; nil where it is absent.
func (r *Record) Texts(field RecordField) []string {
	if recordFields[field].form != formTexts || !r.has(field) {
		return nil
	}
	read, _ := texts(r.values[field]) // its form was required
	return read
}

// DecidedAt is when, by the clock of the node that decided.
func (r *Record) DecidedAt() time.Time { return time.UnixMicro(r.micros()).UTC() }

// Revision is that of the tenant's policy, and of the platform's, which decided.
func (r *Record) Revision() (tenant, platform int64) {
	return int64(unsigned(r.values[RecordRevision])), int64(unsigned(r.values[RecordPlatformRevision]))
}

func (r *Record) micros() int64 { return int64(unsigned(r.values[RecordDecidedAt])) }

// pack is what an entry says of the decisions that were recorded with it.
type pack struct {
	seq         int64
	count       int64
	root        Hash
	first, last int64
}

var packForm = regexp.MustCompile(
	`^\{"decisions":([1-9][0-9]{0,3}),"root":"([0-9a-f]{64})","first":(0|-?[1-9][0-9]{0,18}),"last":(0|-?[1-9][0-9]{0,18})\}$`)

// packOf reads it; nil where the entry is of another type.
func packOf(frame *Frame) (*pack, error) {
	if frame.Type != recordedDecisions {
		return nil, nil
	}
	payload, _ := frame.Text(FieldPayload)
	said := packForm.FindStringSubmatch(payload)
	if said == nil {
		return nil, notProvenAt(frame.Seq, "entry %d does not say which decisions it vouches for", frame.Seq)
	}
	p := &pack{seq: frame.Seq}
	var wrong [4]error
	p.count, wrong[0] = decimal(said[1])
	p.root, wrong[1] = unhex(said[2])
	p.first, wrong[2] = strconv.ParseInt(said[3], 10, 64)
	p.last, wrong[3] = strconv.ParseInt(said[4], 10, 64)
	if wrong != [4]error{} || p.count > maxDecisions {
		return nil, notProvenAt(frame.Seq, "entry %d does not say which decisions it vouches for", frame.Seq)
	}
	return p, nil
}

// requireFile requires the bytes to be its records: all of them, in their order, each behind its length.
func (p *pack) requireFile(file []byte) error {
	records, whole := pieces(file)
	if !whole || int64(len(records)) != p.count {
		return notProvenAt(p.seq, "entry %d vouches for %d decisions, and here are others", p.seq, p.count)
	}
	var leaves []Hash
	first, last := int64(0), int64(0)
	for i, bytes := range records {
		record, err := ReadRecord(bytes)
		if err != nil {
			return at(p.seq, err)
		}
		if i == 0 {
			first, last = record.micros(), record.micros()
		}
		first, last = min(first, record.micros()), max(last, record.micros())
		leaves = append(leaves, EntryHash(bytes))
	}
	if rootOf(leaves) != p.root || first != p.first || last != p.last {
		return notProvenAt(p.seq, "entry %d vouches for other decisions than these", p.seq)
	}
	return nil
}
