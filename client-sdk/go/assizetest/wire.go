package assizetest

import (
	"strings"

	assize "assize.dev/client-sdk/go"
	"assize.dev/client-sdk/go/assizev1"
)

// questionOf is the question as the client's user asked it.
func questionOf(request *assizev1.CheckRequest) assize.Question {
	question := assize.Question{
		Subject:            request.Subject,
		Resource:           request.Resource,
		Action:             request.Action,
		Tenant:             request.Tenant,
		Env:                request.Env,
		SubjectAttributes:  attributes(request.SubjectAttributes),
		ResourceAttributes: attributes(request.ResourceAttributes),
		Context:            attributes(request.Context),
		SubjectTenant:      request.SubjectTenant,
		ActiveRoles:        request.ActiveRoles,
		OnBehalfOf:         request.OnBehalfOf,
		OnBehalfOfTenant:   request.OnBehalfOfTenant,
		RunID:              request.RunId,
		MinRevision:        request.MinRevision,
		AtRevision:         request.AtRevision,
		Explain:            request.Explain,
	}
	if request.AsOf != nil {
		question.AsOf = request.AsOf.AsTime()
	}
	return question
}

func attributes(values map[string]*assizev1.AttributeValue) map[string]any {
	if len(values) == 0 {
		return nil
	}
	read := make(map[string]any, len(values))
	for name, value := range values {
		read[name] = attribute(value)
	}
	return read
}

// attribute is a string, int64, float64, bool, time.Time, []any or map[string]any.
func attribute(value *assizev1.AttributeValue) any {
	switch kind := value.GetKind().(type) {
	case *assizev1.AttributeValue_StringValue:
		return kind.StringValue
	case *assizev1.AttributeValue_IntValue:
		return kind.IntValue
	case *assizev1.AttributeValue_DoubleValue:
		return kind.DoubleValue
	case *assizev1.AttributeValue_BoolValue:
		return kind.BoolValue
	case *assizev1.AttributeValue_TimestampValue:
		return kind.TimestampValue.AsTime()
	case *assizev1.AttributeValue_ListValue:
		list := []any{}
		for _, element := range kind.ListValue.GetValues() {
			list = append(list, attribute(element))
		}
		return list
	case *assizev1.AttributeValue_MapValue:
		return attributes(kind.MapValue.GetValues())
	default:
		return nil
	}
}

func eventOf(event *assizev1.AuditEvent) assize.Event {
	read := assize.Event{
		Type:        event.Type,
		Category:    event.Category,
		Actor:       event.Actor,
		ActorTenant: event.ActorTenant,
		OnBehalfOf:  event.OnBehalfOf,
		Role:        event.Role,
		Action:      event.Action,
		Resource:    event.Resource,
		Env:         event.Env,
		RunID:       event.RunId,
		DecisionID:  event.DecisionId,
		Reason:      event.Reason,
		Override:    event.Override,
		Payload:     event.Payload,
		Reads:       event.Reads,
		Writes:      event.Writes,
		Erasable:    event.Erasable,
	}
	if event.Outcome != assizev1.Outcome_OUTCOME_UNSPECIFIED {
		read.Outcome = assize.Outcome(strings.TrimPrefix(event.Outcome.String(), "OUTCOME_"))
	}
	if event.OccurredAt != nil {
		read.OccurredAt = event.OccurredAt.AsTime()
	}
	return read
}
