package dev.assize.benchmarks.world;

import com.cedarpolicy.model.AuthorizationRequest;
import com.cedarpolicy.model.entity.Entities;
import dev.assize.server.decision.check.CheckQuery;

/**
 * A question to a world, with the answer that plain code gives.
 *
 * @param entities as many as Cedar needs for it
 */
record Asked(CheckQuery query, AuthorizationRequest request, Entities entities, boolean allowed) {}
