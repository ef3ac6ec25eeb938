package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/**
 * A server that really goes away and comes back, for longer than a lease, in the middle of work: a
 * worker with deliveries in its handlers, on their way to one, acked during the outage, and a
 * producer that goes on.
 */
class SqsOutageTest {

  private static final Duration LEASE = Duration.ofSeconds(5);

  /** Longer than a lease, so that everything held is lost and comes back. */
  private static final Duration AWAY = Duration.ofSeconds(30);

  private static final Duration BOUND = Duration.ofSeconds(90);
  private static final int BEFORE = 60;
  private static final int DURING = 20;

  @Test
  void S3_outageLongerThanTheLease_inTheMiddleOfWork_losesNothing() throws Exception {
    Set<String> stored = ConcurrentHashMap.newKeySet();
    Set<String> handled = ConcurrentHashMap.newKeySet();
    Map<String, Integer> starts = new ConcurrentHashMap<>();
    CountDownLatch started = new CountDownLatch(8);
    CountDownLatch away = new CountDownLatch(1);
    try (EmbeddedSqs server = EmbeddedSqs.start();
        SqsWorkQueue queue =
            SqsWorkQueue.builder(server.client(), server.createQueue("outage"))
                .lease(LEASE)
                .grace(Duration.ofSeconds(5))
                .build()) {
      for (int i = 0; i < BEFORE; i++) {
        String text = "before " + i;
        queue.enqueue(Message.text(text)).join().orThrow();
        stored.add(text);
      }
      try (Worker worker =
          Worker.builder(queue)
              .slots(8)
              .handler(
                  (delivery, context) -> {
                    starts.merge(delivery.message().text(), 1, Integer::sum);
                    started.countDown();
                    if (delivery.message().text().hashCode() % 2 == 0) {
                      // Half of the handlers end during the outage, the others at once.
                      away.await();
                    }
                    handled.add(delivery.message().text());
                  })
              .start()) {
        // Eight at a time, so some are acked, some in handlers, and some received and waiting.
        started.await();
        server.stop();
        long stopped = SystemTimeSource.get().nanoTime();
        away.countDown();
        List<Message> refused = new ArrayList<>();
        for (int i = 0; i < DURING; i++) {
          Message message = Message.text("during " + i);
          EnqueueOutcome outcome = queue.enqueue(message).join();
          assertThat(outcome)
              .isInstanceOfSatisfying(
                  EnqueueOutcome.Failed.class,
                  failed -> assertThat(failed.retryable()).as("%s", failed).isTrue());
          refused.add(message);
        }
        await()
            .atMost(BOUND)
            .until(() -> SystemTimeSource.get().nanoTime() - stopped > AWAY.toNanos());
        server.restart();
        for (Message message : refused) {
          await()
              .atMost(BOUND)
              .until(() -> queue.enqueue(message).join() instanceof EnqueueOutcome.Enqueued);
          stored.add(message.text());
        }
        await().atMost(BOUND).untilAsserted(() -> assertThat(handled).containsAll(stored));
        await()
            .atMost(BOUND)
            .untilAsserted(() -> assertThat(queue.depth().backlog()).as("left over").isZero());
        assertThat(starts.keySet()).as("nothing is invented").isEqualTo(stored);
      }
    }
  }
}
