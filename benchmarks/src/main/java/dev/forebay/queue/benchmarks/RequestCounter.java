package dev.forebay.queue.benchmarks;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;

/** Counts the requests that leave an SDK client, retries included. Thread-safe. */
final class RequestCounter implements ExecutionInterceptor {

  private final Map<String, LongAdder> byOperation = new ConcurrentHashMap<>();

  @Override
  public void beforeTransmission(
      Context.BeforeTransmission context, ExecutionAttributes attributes) {
    String operation = attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME);
    byOperation.computeIfAbsent(operation, name -> new LongAdder()).increment();
  }

  /** Requests so far. */
  long total() {
    return byOperation.values().stream().mapToLong(LongAdder::sum).sum();
  }

  /** Requests so far, by operation. */
  Map<String, Long> byOperation() {
    Map<String, Long> counts = new TreeMap<>();
    byOperation.forEach((name, count) -> counts.put(name, count.sum()));
    return counts;
  }
}
