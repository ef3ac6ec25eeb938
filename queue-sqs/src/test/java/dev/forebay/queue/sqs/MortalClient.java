package dev.forebay.queue.sqs;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * A client that passes calls on until it dies; from then on nothing is sent and nothing answers, as
 * for a process that was killed. Counts the requests that store messages.
 */
final class MortalClient {

  private final SqsAsyncClient real;
  private final SqsAsyncClient client;
  private final LongAdder sends = new LongAdder();
  private volatile boolean dead;

  MortalClient(SqsAsyncClient real) {
    this.real = real;
    this.client =
        (SqsAsyncClient)
            Proxy.newProxyInstance(
                SqsAsyncClient.class.getClassLoader(),
                new Class<?>[] {SqsAsyncClient.class},
                (proxy, method, args) -> call(method, args));
  }

  SqsAsyncClient client() {
    return client;
  }

  long sends() {
    return sends.sum();
  }

  void kill() {
    dead = true;
  }

  private Object call(Method method, Object[] args) throws Throwable {
    if (!CompletableFuture.class.isAssignableFrom(method.getReturnType())) {
      return invoke(method, args);
    }
    if (dead) {
      return new CompletableFuture<>();
    }
    if (method.getName().startsWith("sendMessage")) {
      sends.increment();
    }
    CompletableFuture<Object> answer = new CompletableFuture<>();
    ((CompletableFuture<?>) invoke(method, args))
        .whenComplete(
            (response, failure) -> {
              if (dead) {
                return;
              }
              if (failure == null) {
                answer.complete(response);
              } else {
                answer.completeExceptionally(failure);
              }
            });
    return answer;
  }

  private Object invoke(Method method, Object[] args) throws Throwable {
    try {
      return method.invoke(real, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
