package assize

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Question is what a Check asks: may Subject do Action on Resource, in Env of Tenant?
type Question struct {
	Subject  string // type:id, for example user:alice@fund.com
	Resource string // type:id, or a path of them joined by /; see EscapeID
	Action   string
	Tenant   string // empty: the client's
	Env      string // empty: the client's, and where that is empty too, the server's `default`

	// Attributes are strings, bools, integers, floats, json.Number, time.Time, or slices and maps by string of them.
	SubjectAttributes  map[string]any
	ResourceAttributes map[string]any
	Context            map[string]any

	SubjectTenant    string   // the subject's home; empty: Tenant
	ActiveRoles      []string // the roles the subject acts in; none: all that it has
	OnBehalfOf       string   // who must be allowed as well
	OnBehalfOfTenant string   // its home; empty: Tenant
	RunID            string   // the run this is a part of: a freeze may name it

	MinRevision int64     // answer from this revision or a later one
	AtRevision  int64     // ask about the past; the answer never allows
	AsOf        time.Time // ask about the past; the answer never allows
	Explain     bool      // adds the trace; needs a permission of its own
}

// EscapeID makes any text an id within a resource path: in `doc:` + EscapeID("a/b") the slash divides nothing.
func EscapeID(id string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(id)
}

// isPlain tells whether it may be answered from the cache, and may wait for others without holding them up.
func isPlain(request *assizev1.CheckRequest) bool {
	return request.MinRevision == 0 && !isAboutThePast(request) && !request.Explain
}

func isAboutThePast(request *assizev1.CheckRequest) bool {
	return request.AtRevision != 0 || request.AsOf != nil
}

func (c *Client) request(question Question) (*assizev1.CheckRequest, error) {
	request := &assizev1.CheckRequest{
		Subject:          question.Subject,
		Resource:         question.Resource,
		Action:           question.Action,
		Tenant:           or(question.Tenant, c.options.tenant),
		Env:              or(question.Env, c.options.env),
		SubjectTenant:    question.SubjectTenant,
		ActiveRoles:      question.ActiveRoles,
		OnBehalfOf:       question.OnBehalfOf,
		OnBehalfOfTenant: question.OnBehalfOfTenant,
		RunId:            question.RunID,
		MinRevision:      question.MinRevision,
		AtRevision:       question.AtRevision,
		Explain:          question.Explain,
	}
	if !question.AsOf.IsZero() {
		request.AsOf = timestamppb.New(question.AsOf)
	}
	var err error
	for _, attributes := range []struct {
		field string
		from  map[string]any
		to    *map[string]*assizev1.AttributeValue
	}{
		{"SubjectAttributes", question.SubjectAttributes, &request.SubjectAttributes},
		{"ResourceAttributes", question.ResourceAttributes, &request.ResourceAttributes},
		{"Context", question.Context, &request.Context},
	} {
		if *attributes.to, err = attributeMap(attributes.from, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", attributes.field, err)
		}
	}
	return request, validText(request)
}

// validText refuses what is no UTF-8 before the codec does, which would not say whose fault it is.
func validText(request *assizev1.CheckRequest) error {
	for _, text := range append([]string{
		request.Subject, request.Resource, request.Action, request.Tenant, request.Env, request.SubjectTenant,
		request.OnBehalfOf, request.OnBehalfOfTenant, request.RunId,
	}, request.ActiveRoles...) {
		if err := requireUTF8(text); err != nil {
			return err
		}
	}
	return nil
}

// The server takes four levels; without a bound a map that contains itself would never end.
const deepestAttribute = 16

func attributeMap(attributes map[string]any, depth int) (map[string]*assizev1.AttributeValue, error) {
	if len(attributes) == 0 {
		return nil, nil
	}
	values := make(map[string]*assizev1.AttributeValue, len(attributes))
	for name, attribute := range attributes {
		value, err := attributeValue(attribute, depth)
		if err == nil {
			err = requireUTF8(name)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

func attributeValue(attribute any, depth int) (*assizev1.AttributeValue, error) {
	if depth > deepestAttribute {
		return nil, fmt.Errorf("attributes nest at most %d deep here, and 4 at the server", deepestAttribute)
	}
	switch value := attribute.(type) {
	case time.Time:
		return &assizev1.AttributeValue{
			Kind: &assizev1.AttributeValue_TimestampValue{TimestampValue: timestamppb.New(value)},
		}, nil
	case json.Number:
		return numberValue(value)
	case nil:
		return nil, fmt.Errorf("an attribute has a value; leave out what is nil")
	}
	return reflectedValue(reflect.ValueOf(attribute), depth)
}

func numberValue(number json.Number) (*assizev1.AttributeValue, error) {
	if whole, err := number.Int64(); err == nil {
		return intValue(whole), nil
	}
	real, err := number.Float64()
	if err != nil {
		return nil, err
	}
	return &assizev1.AttributeValue{Kind: &assizev1.AttributeValue_DoubleValue{DoubleValue: real}}, nil
}

func intValue(whole int64) *assizev1.AttributeValue {
	return &assizev1.AttributeValue{Kind: &assizev1.AttributeValue_IntValue{IntValue: whole}}
}

func reflectedValue(value reflect.Value, depth int) (*assizev1.AttributeValue, error) {
	switch value.Kind() {
	case reflect.String:
		if err := requireUTF8(value.String()); err != nil {
			return nil, err
		}
		return &assizev1.AttributeValue{
			Kind: &assizev1.AttributeValue_StringValue{StringValue: value.String()},
		}, nil
	case reflect.Bool:
		return &assizev1.AttributeValue{Kind: &assizev1.AttributeValue_BoolValue{BoolValue: value.Bool()}}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intValue(value.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if value.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("%d is larger than an int64", value.Uint())
		}
		return intValue(int64(value.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return &assizev1.AttributeValue{
			Kind: &assizev1.AttributeValue_DoubleValue{DoubleValue: value.Float()},
		}, nil
	case reflect.Slice, reflect.Array:
		return listValue(value, depth)
	case reflect.Map:
		return mapValue(value, depth)
	default:
		return nil, fmt.Errorf("%s is no attribute: expected a text, a number, a bool, a time, or slices and maps of them",
			value.Type())
	}
}

func listValue(value reflect.Value, depth int) (*assizev1.AttributeValue, error) {
	list := &assizev1.AttributeList{}
	for i := range value.Len() {
		element, err := attributeValue(value.Index(i).Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list.Values = append(list.Values, element)
	}
	return &assizev1.AttributeValue{Kind: &assizev1.AttributeValue_ListValue{ListValue: list}}, nil
}

func mapValue(value reflect.Value, depth int) (*assizev1.AttributeValue, error) {
	if value.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%s is no attribute: maps are by string", value.Type())
	}
	attributes := make(map[string]any, value.Len())
	for entries := value.MapRange(); entries.Next(); {
		attributes[entries.Key().String()] = entries.Value().Interface()
	}
	values, err := attributeMap(attributes, depth+1)
	if err != nil {
		return nil, err
	}
	return &assizev1.AttributeValue{
		Kind: &assizev1.AttributeValue_MapValue{MapValue: &assizev1.AttributeMap{Values: values}},
	}, nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// within gives a call its default deadline where it has none.
func within(ctx context.Context, deadline time.Duration) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, deadline)
}
