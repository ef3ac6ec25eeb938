package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Message;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;

/**
 * What it costs in requests to keep the leases of running handlers: 1.1 × leases ÷ batch ÷ interval
 * at most, where the interval is the third of the lease after which it is extended. The worker's
 * time is moved by hand, so nothing depends on the machine; the server's is real, and its leases
 * outlast the test.
 */
class SqsLeaseRequestsTest {

  /**
   * The longest whose leases are looked at twice in a third of it, as all below are. Of longer ones
   * they are looked at every 30 s, and small groups that are due at other times stay apart.
   */
  private static final Duration LEASE = Duration.ofMinutes(3);

  private static final int BATCH = 10;
  private static final int LOTS = 4;
  private static final int LOT = 15;
  private static final int LEASES = LOTS * LOT;

  /** Longer than a batch waits for more. */
  private static final Duration LINGER = Duration.ofMillis(10);

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final ManualTimeSource time = new ManualTimeSource();
  private final CallLog log = new CallLog();

  @Test
  void W1_extensionsOfRunningHandlers_takeNoMoreRequestsThanTheBound() {
    EmbeddedSqs server = SqsHarness.server();
    String url = server.createQueue("lease-requests");
    CountDownLatch finish = new CountDownLatch(1);
    try (SqsAsyncClient client = server.newClient(log);
        SqsWorkQueue sender = SqsWorkQueue.builder(server.client(), url).build()) {
      SqsWorkQueue queue = SqsWorkQueue.builder(client, url).lease(LEASE).time(time).build();
      Worker worker =
          Worker.builder(queue)
              .slots(LEASES)
              .time(time)
              .handler((delivery, context) -> finish.await())
              .start();
      try {
        // They come in lots, so that not all are due at once.
        for (int lot = 1; lot <= LOTS; lot++) {
          enqueue(sender);
          int held = lot * LOT;
          until("lot " + lot + " runs", () -> worker.stats().running() == held);
          pass(worker, LEASE.dividedBy(20));
        }
        int before = requests().size();
        for (int step = 0; step < 3 * 60; step++) {
          pass(worker, LEASE.dividedBy(60));
        }
        double bound = 1.1 * LEASES / BATCH * 9;
        double oneRound = (double) LEASES / BATCH;
        assertThat((double) requests().size() - before)
            .as("requests in three leases, %s", requests().stream().map(this::size).toList())
            .isLessThanOrEqualTo(bound + oneRound);
        assertThat(worker.stats().leaseLost()).isZero();
        // An extension comes when a third of a lease is gone, and before half of it is.
        assertThat(worker.stats().extensions()).isBetween(5L * LEASES, 10L * LEASES);
        assertThat(worker.stats().running()).isEqualTo(LEASES);
      } finally {
        finish.countDown();
        CompletableFuture<Void> closed =
            CompletableFuture.runAsync(
                () -> {
                  worker.close();
                  queue.close();
                });
        until("closed", closed::isDone);
      }
      assertThat(worker.stats().handled()).isEqualTo(LEASES);
      assertThat(worker.stats().staleSettlements()).isZero();
    }
  }

  private static void enqueue(SqsWorkQueue sender) {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < LOT; i++) {
      messages.add(Message.text("work"));
    }
    sender.enqueueAll(messages).join().forEach(outcome -> outcome.orThrow());
  }

  /** Lets this much time pass, and every extension that has come due be answered. */
  private void pass(Worker worker, Duration length) {
    time.advance(length);
    int asked;
    do {
      asked = extensions();
      int expected = asked;
      await()
          .atMost(PATIENCE)
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(2))
          .until(() -> worker.stats().extensions() == expected);
      time.advance(LINGER);
    } while (extensions() != asked);
  }

  private void until(String what, BooleanSupplier condition) {
    await(what)
        .atMost(PATIENCE)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              time.advance(LINGER);
              return condition.getAsBoolean();
            });
  }

  private List<ChangeMessageVisibilityBatchRequest> requests() {
    return log.requests(ChangeMessageVisibilityBatchRequest.class);
  }

  private int extensions() {
    return requests().stream().mapToInt(this::size).sum();
  }

  private int size(ChangeMessageVisibilityBatchRequest request) {
    return request.entries().size();
  }
}
