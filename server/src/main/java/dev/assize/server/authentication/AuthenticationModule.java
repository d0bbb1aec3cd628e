package dev.assize.server.authentication;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;

/** Binds authentication. Needs an {@link AuthenticationConfig} and an {@link ApiKeyRepository}. */
public final class AuthenticationModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(BelievedKeys.class).toInstance(BelievedKeys.ALL);
        bind(ApiKeys.class).in(Singleton.class);
        bind(BreakGlass.class).in(Singleton.class);
    }

    @Provides
    @Singleton
    static Pepper pepper(AuthenticationConfig config) {
        return Pepper.open(config.pepperFile());
    }
}
