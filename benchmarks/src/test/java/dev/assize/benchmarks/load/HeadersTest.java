package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Headers;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

/** What the client writes and reads of headers, against Netty's own code for the other end. */
class HeadersTest {

    @Test
    void everyRequestBringsTheSameHeadersAsTheFirst() throws Http2Exception {
        RequestHead head = RequestHead.of(
                "/assize.v1.DecisionService/Check",
                new Endpoint(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 7443), null, "asz_" + "k".repeat(300)));
        DefaultHttp2HeadersDecoder server = new DefaultHttp2HeadersDecoder();

        Http2Headers first = server.decodeHeaders(1, Unpooled.wrappedBuffer(head.first()));
        Http2Headers later = server.decodeHeaders(3, Unpooled.wrappedBuffer(head.later()));

        assertThat(first.method()).hasToString("POST");
        assertThat(first.scheme()).hasToString("http");
        assertThat(first.path()).hasToString("/assize.v1.DecisionService/Check");
        assertThat(first.authority()).hasToString("localhost:7443");
        assertThat(first.get("te")).hasToString("trailers");
        assertThat(first.get("content-type")).hasToString("application/grpc");
        assertThat(first.get("authorization")).hasToString("Bearer asz_" + "k".repeat(300));
        assertThat(later).isEqualTo(first);
        assertThat(head.later()).hasSizeLessThan(10);
    }

    @Test
    void aUnixSocketHasAnAuthority() throws Http2Exception {
        RequestHead head = RequestHead.of("/a/B", new Endpoint(new DomainSocketAddress("/run/assize.sock"), null, "k"));

        assertThat(new DefaultHttp2HeadersDecoder()
                        .decodeHeaders(1, Unpooled.wrappedBuffer(head.first()))
                        .authority())
                .hasToString("localhost");
    }

    @Test
    void aStatusIsReadEveryTime() throws Http2Exception {
        DefaultHttp2HeadersEncoder server = new DefaultHttp2HeadersEncoder();
        ResponseHeads responses = new ResponseHeads();

        for (int stream = 1; stream < 20; stream += 2) {
            assertThat(responses.status(stream, response(server, stream))).isEqualTo(ResponseHeads.NONE);
            assertThat(responses.status(stream, trailers(server, stream, 0))).isZero();
        }
    }

    /** A refusal in between adds to what the connection remembers, and what was recognised must not be taken for it. */
    @Test
    void aStatusIsReadAnewWhenTheConnectionHasLearntAnother() throws Http2Exception {
        DefaultHttp2HeadersEncoder server = new DefaultHttp2HeadersEncoder();
        ResponseHeads responses = new ResponseHeads();
        int stream = 1;
        for (int status : new int[] {0, 0, 0, 8, 0, 14, 14, 8, 0, 0}) {
            responses.status(stream, response(server, stream));

            assertThat(responses.status(stream, trailers(server, stream, status)))
                    .isEqualTo(status);
            stream += 2;
        }
    }

    private static ByteBuf response(DefaultHttp2HeadersEncoder server, int stream) throws Http2Exception {
        return encoded(server, stream, new DefaultHttp2Headers().status("200").add("content-type", "application/grpc"));
    }

    private static ByteBuf trailers(DefaultHttp2HeadersEncoder server, int stream, int status) throws Http2Exception {
        return encoded(server, stream, new DefaultHttp2Headers().add("grpc-status", Integer.toString(status)));
    }

    private static ByteBuf encoded(DefaultHttp2HeadersEncoder server, int stream, Http2Headers headers)
            throws Http2Exception {
        ByteBuf block = Unpooled.buffer();
        server.encodeHeaders(stream, headers, block);
        return block;
    }
}
