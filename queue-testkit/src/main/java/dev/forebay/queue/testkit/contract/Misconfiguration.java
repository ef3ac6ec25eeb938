package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.WorkQueue;
import java.util.function.Supplier;

/**
 * A build that must fail (S2).
 *
 * @param what what is wrong, for the test's report
 * @param code the code the error must carry
 * @param advice a part of the error's text that tells what to do about it
 * @param build tries to build the queue
 */
public record Misconfiguration(
    String what, ErrorCode code, String advice, Supplier<WorkQueue> build) {}
