package dev.forebay.queue.sqs;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;

/** Notes every request that a client is given. Thread-safe. */
final class CallLog implements ExecutionInterceptor {

  /** One call; {@code queue} is the name of the queue it is about. */
  record Call(String operation, String queue, SdkRequest request) {}

  private final List<Call> calls = new CopyOnWriteArrayList<>();

  @Override
  public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
    SdkRequest request = context.request();
    String queue =
        request
            .getValueForField("QueueUrl", String.class)
            .map(QueueFacts::nameOf)
            .or(() -> request.getValueForField("QueueName", String.class))
            .orElse("");
    calls.add(
        new Call(attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME), queue, request));
  }

  List<Call> calls() {
    return List.copyOf(calls);
  }

  <T extends SdkRequest> List<T> requests(Class<T> type) {
    return calls.stream().map(Call::request).filter(type::isInstance).map(type::cast).toList();
  }
}
