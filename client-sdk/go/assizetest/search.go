package assizetest

import (
	"slices"
	"strings"

	"assize.dev/client-sdk/go/assizev1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// sought is a part of a question that a search leaves open.
type sought struct {
	of   func(rule) string
	put  func(check *assizev1.CheckRequest, name string)
	fits func(name string) bool
}

// found are the names of the rules that would be allowed, behind a cursor, which is the last name before; and the cursor to go
// on with, empty where that is all.
func (f *Fake) found(check *assizev1.CheckRequest, part sought, limit int32, cursor string) (names []string, next string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if name := part.of(rule); name != Any && name > cursor && part.fits(name) && f.allows(check, part, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if limit > 0 && len(names) > int(limit) {
		return names[:limit], names[limit-1]
	}
	return names, ""
}

// allows tells what would be answered about one of the names. Guarded by mu.
func (f *Fake) allows(check *assizev1.CheckRequest, part sought, name string) bool {
	asked := proto.CloneOf(check)
	part.put(asked, name)
	return f.judge(asked).Decision == assizev1.Decision_DECISION_ALLOW
}

func isOf(kind, name string) bool {
	return kind == "" || name == kind || strings.HasPrefix(name, kind+":")
}

func (d *decisions) SearchSubjects(
	request *assizev1.SearchSubjectsRequest, stream grpc.ServerStreamingServer[assizev1.SearchSubjectsResponse],
) error {
	subject := sought{
		of:   func(r rule) string { return r.subject },
		put:  func(check *assizev1.CheckRequest, name string) { check.Subject = name },
		fits: func(name string) bool { return isOf(request.SubjectType, name) },
	}
	if err := d.f.failing(); err != nil {
		return err
	}
	names, next := d.f.found(request.Check, subject, request.Limit, request.Cursor)
	page := &assizev1.SearchSubjectsResponse{Subjects: names, Cursor: next, Truncated: next != ""}
	if d.f.allowsAny(request.Check, subject) {
		page.Wildcards = []string{Any}
	}
	return stream.Send(page)
}

func (d *decisions) SearchResources(
	request *assizev1.SearchResourcesRequest, stream grpc.ServerStreamingServer[assizev1.SearchResourcesResponse],
) error {
	resource := sought{
		of:   func(r rule) string { return r.resource },
		put:  func(check *assizev1.CheckRequest, name string) { check.Resource = name },
		fits: func(name string) bool { return isOf(request.ResourceType, name[strings.LastIndex(name, "/")+1:]) },
	}
	if err := d.f.failing(); err != nil {
		return err
	}
	names, next := d.f.found(request.Check, resource, request.Limit, request.Cursor)
	return stream.Send(&assizev1.SearchResourcesResponse{Resources: names, Cursor: next, Truncated: next != ""})
}

func (d *decisions) SearchActions(
	request *assizev1.SearchActionsRequest, stream grpc.ServerStreamingServer[assizev1.SearchActionsResponse],
) error {
	action := sought{
		of:   func(r rule) string { return r.action },
		put:  func(check *assizev1.CheckRequest, name string) { check.Action = name },
		fits: func(string) bool { return true },
	}
	if err := d.f.failing(); err != nil {
		return err
	}
	names, next := d.f.found(request.Check, action, request.Limit, request.Cursor)
	return stream.Send(&assizev1.SearchActionsResponse{Actions: names, Cursor: next, Truncated: next != ""})
}

func (f *Fake) failing() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed()
}

func (f *Fake) allowsAny(check *assizev1.CheckRequest, part sought) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.allows(check, part, Any)
}
