package dev.assize.server.endpoint.grpc;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import com.google.inject.multibindings.OptionalBinder;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.endpoint.call.CentreQuestions;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.DecisionsOnRecord;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.GuestService;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.upstream.Centre;

/** Binds what serves checks, and what every call passes. Makes no spans unless told how, and has no guests of its own. */
public final class CheckModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(GrpcMetrics.class).in(Singleton.class);
        bind(ErrorMapper.class).in(Singleton.class);
        bind(Replies.class).in(Singleton.class);
        bind(Gate.class).in(Singleton.class);
        bind(DecisionIds.class).in(Singleton.class);
        bind(RevisionWaits.class).in(Singleton.class);
        bind(CallThreads.class).in(Singleton.class);
        bind(PromptInterceptor.class).in(Singleton.class);
        bind(MetricsInterceptor.class).in(Singleton.class);
        OptionalBinder.newOptionalBinder(binder(), CallSpans.class).setDefault().toInstance(CallSpans.none());
        bind(SpanInterceptor.class).in(Singleton.class);
        Multibinder.newSetBinder(binder(), GuestService.class);
        bind(Admission.class).in(Singleton.class);
        bind(AuthenticationInterceptor.class).in(Singleton.class);
        bind(MalformedMessageInterceptor.class).in(Singleton.class);
        bind(AnswersOnRecord.class).in(Singleton.class);
        OptionalBinder.newOptionalBinder(binder(), Centre.class);
        bind(Elsewhere.class).in(Singleton.class);
        bind(CentreQuestions.class).in(Singleton.class);
        bind(DecisionsOnRecord.class).in(Singleton.class);
        bind(Checks.class).in(Singleton.class);
        bind(PlainChecks.class).in(Singleton.class);
        bind(StreamAnswers.class).in(Singleton.class);
        bind(CheckMethods.class).in(Singleton.class);
        bind(PlainCalls.class).in(Singleton.class);
        bind(TenantDirectory.class).in(Singleton.class);
        bind(CheckRehearsal.class).in(Singleton.class);
    }
}
