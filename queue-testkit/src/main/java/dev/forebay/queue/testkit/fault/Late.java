package dev.forebay.queue.testkit.fault;

import dev.forebay.queue.time.SystemTimeSource;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import software.amazon.awssdk.core.async.AsyncRequestBody;

/** Holds back the content of requests and replies without holding a thread. */
final class Late {

  private Late() {}

  static Publisher<ByteBuffer> reply(Publisher<ByteBuffer> body, Duration delay) {
    return subscriber -> later(delay, () -> body.subscribe(subscriber));
  }

  static AsyncRequestBody request(AsyncRequestBody body, Duration delay) {
    return new AsyncRequestBody() {
      @Override
      public Optional<Long> contentLength() {
        return body.contentLength();
      }

      @Override
      public String contentType() {
        return body.contentType();
      }

      @Override
      public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
        later(delay, () -> body.subscribe(subscriber));
      }
    };
  }

  private static void later(Duration delay, Runnable task) {
    SystemTimeSource.get().schedule(delay, task);
  }
}
