package dev.assize.server.house;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.CaseFormat;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.assize.proto.v1.AccessServiceProto;
import dev.assize.proto.v1.AttributeProto;
import dev.assize.proto.v1.DecisionServiceProto;
import dev.assize.proto.v1.LedgerServiceProto;
import dev.assize.proto.v1.PolicyServiceProto;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The names of the wire contract follow the STANDARD rules of buf, for where its linter does not run. */
class ProtoStyleTest {

    private static final List<FileDescriptor> FILES = List.of(
            AttributeProto.getDescriptor(),
            DecisionServiceProto.getDescriptor(),
            PolicyServiceProto.getDescriptor(),
            LedgerServiceProto.getDescriptor(),
            AccessServiceProto.getDescriptor());

    @Test
    void filesStandInTheDirectoryOfTheirVersionedPackage() {
        assertThat(FILES).allSatisfy(file -> {
            assertThat(file.getPackage()).isEqualTo("assize.v1");
            assertThat(file.getFullName()).matches("assize/v1/[a-z]+(_[a-z]+)*\\.proto");
        });
    }

    @Test
    void messagesArePascalCaseAndFieldsSnakeCase() {
        assertThat(messages()).allSatisfy(message -> {
            assertThat(message.getName()).matches("[A-Z][A-Za-z0-9]*");
            assertThat(message.getFields())
                    .extracting(FieldDescriptor::getName)
                    .allMatch(name -> name.matches("[a-z][a-z0-9]*(_[a-z0-9]+)*"));
        });
    }

    @Test
    void enumValuesCarryTheEnumsNameAndBeginUnspecified() {
        assertThat(enums()).allSatisfy(type -> {
            String prefix = CaseFormat.UPPER_CAMEL.to(CaseFormat.UPPER_UNDERSCORE, type.getName()) + "_";
            assertThat(type.getValues()).allMatch(value -> value.getName().startsWith(prefix));
            assertThat(type.findValueByNumber(0).getName()).isEqualTo(prefix + "UNSPECIFIED");
        });
    }

    @Test
    void servicesAndTheirMessagesHaveStandardNames() {
        List<MethodDescriptor> methods = new ArrayList<>();
        for (FileDescriptor file : FILES) {
            for (ServiceDescriptor service : file.getServices()) {
                assertThat(service.getName()).endsWith("Service");
                methods.addAll(service.getMethods());
            }
        }
        assertThat(methods).isNotEmpty().allSatisfy(method -> {
            assertThat(method.getInputType().getName()).isEqualTo(method.getName() + "Request");
            assertThat(method.getOutputType().getName()).isEqualTo(method.getName() + "Response");
        });
    }

    private static List<Descriptor> messages() {
        return FILES.stream()
                .flatMap(file -> file.getMessageTypes().stream())
                .flatMap(message -> Stream.concat(Stream.of(message), message.getNestedTypes().stream()))
                .filter(message -> !message.getOptions().getMapEntry())
                .toList();
    }

    private static List<EnumDescriptor> enums() {
        return FILES.stream().flatMap(file -> file.getEnumTypes().stream()).toList();
    }
}
