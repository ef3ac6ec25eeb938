package dev.forebay.queue.sqs;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** A client whose requests of one kind are carried out at once and answered later. */
final class LateAnswers {

  private LateAnswers() {}

  /**
   * A client in front of another one.
   *
   * @param call the client's method whose answers wait
   * @param gate when they come
   */
  static SqsAsyncClient of(SqsAsyncClient real, String call, CompletableFuture<Void> gate) {
    return (SqsAsyncClient)
        Proxy.newProxyInstance(
            SqsAsyncClient.class.getClassLoader(),
            new Class<?>[] {SqsAsyncClient.class},
            (proxy, method, args) -> {
              try {
                Object result = method.invoke(real, args);
                return method.getName().equals(call)
                    ? ((CompletableFuture<?>) result).thenCombine(gate, (answer, open) -> answer)
                    : result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
