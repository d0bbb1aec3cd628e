// Command generate makes the package assizev1 from the .proto files of the repository, without protoc: protocompile reads
// them, and protoc-gen-go and protoc-gen-go-grpc, in the versions of this module's go.mod, write the code.
//
//	go run .            writes ../../assizev1
//	go run . -check     fails where that is not what it would write
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// The .proto files name no Go package, so the generators are told.
const goPackage = "assize.dev/client-sdk/go/assizev1;assizev1"

func main() {
	log.SetFlags(0)
	protos := flag.String("protos", "../../../../proto/src/main/protobuf", "the directory that imports are relative to")
	out := flag.String("out", "../../assizev1", "the directory of the package")
	check := flag.Bool("check", false, "write nothing; fail where something would be written")
	flag.Parse()
	generated, err := generate(*protos)
	if err != nil {
		log.Fatal(err)
	}
	if *check {
		err = compare(*out, generated)
	} else {
		err = write(*out, generated)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// The files of the package by name.
func generate(protos string) (map[string][]byte, error) {
	names, err := protoNames(protos)
	if err != nil {
		return nil, err
	}
	request, err := request(protos, names)
	if err != nil {
		return nil, err
	}
	generated := map[string][]byte{}
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		if err := run(plugin, request, generated); err != nil {
			return nil, err
		}
	}
	return generated, nil
}

func protoNames(protos string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(protos, "assize", "v1", "*.proto"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("no .proto files under %s", protos))
	}
	names := make([]string, 0, len(files))
	for _, file := range files {
		name, err := filepath.Rel(protos, file)
		if err != nil {
			return nil, err
		}
		names = append(names, filepath.ToSlash(name))
	}
	sort.Strings(names)
	return names, nil
}

func request(protos string, names []string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{protos}},
			protocompile.ResolverFunc(rpcStatus),
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, err
	}
	parameters := []string{"module=assize.dev/client-sdk/go/assizev1"}
	for _, name := range names {
		parameters = append(parameters, "M"+name+"="+goPackage)
	}
	return &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String(strings.Join(parameters, ",")),
		ProtoFile:      withImports(files),
	}, nil
}

// google/rpc/status.proto as the Go package of it has it: that package is what the generated code imports.
func rpcStatus(path string) (protocompile.SearchResult, error) {
	if path != "google/rpc/status.proto" {
		return protocompile.SearchResult{}, os.ErrNotExist
	}
	return protocompile.SearchResult{Proto: protodesc.ToFileDescriptorProto(status.File_google_rpc_status_proto)}, nil
}

// Every file behind those that it imports, as generators expect them.
func withImports(files linker.Files) []*descriptorpb.FileDescriptorProto {
	var ordered []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		ordered = append(ordered, descriptor(file))
	}
	for _, file := range files {
		add(file)
	}
	return ordered
}

func descriptor(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	if result, ok := file.(linker.Result); ok {
		return result.FileDescriptorProto() // with the comments
	}
	return protodesc.ToFileDescriptorProto(file)
}

func run(plugin string, request *pluginpb.CodeGeneratorRequest, generated map[string][]byte) error {
	input, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	command := exec.Command("go", "tool", plugin)
	command.Stdin, command.Stderr = bytes.NewReader(input), os.Stderr
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", plugin, err)
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(output, response); err != nil {
		return fmt.Errorf("%s: %w", plugin, err)
	}
	if response.Error != nil {
		return fmt.Errorf("%s: %s", plugin, response.GetError())
	}
	for _, file := range response.GetFile() {
		generated[file.GetName()] = []byte(file.GetContent())
	}
	return nil
}

func write(out string, generated map[string][]byte) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, content := range generated {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func compare(out string, generated map[string][]byte) error {
	var wrong []string
	for name, content := range generated {
		if there, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.Equal(there, content) {
			wrong = append(wrong, name)
		}
	}
	there, err := filepath.Glob(filepath.Join(out, "*.pb.go"))
	if err != nil {
		return err
	}
	for _, file := range there {
		if _, made := generated[filepath.Base(file)]; !made {
			wrong = append(wrong, filepath.Base(file))
		}
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		return fmt.Errorf("not what the .proto files say: %s; run `go run .` here", strings.Join(wrong, ", "))
	}
	return nil
}
