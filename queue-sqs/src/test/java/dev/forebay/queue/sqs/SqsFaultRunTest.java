package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.fault.SqsFault;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * Thousands of messages by identity through lost requests and replies, throttling, failed and
 * unlisted entries, delays and duplicates: none is lost, none invented, no sure ack undone.
 */
class SqsFaultRunTest {

  private static final int CONSUMERS = 8;
  private static final Duration BOUND = Duration.ofMinutes(2);

  /** Long enough for a duplicate to come upon one that is in hand. */
  private static final long HANDLING_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private int messages;
  private final EmbeddedSqs server = SqsHarness.server();
  private final Set<String> stored = ConcurrentHashMap.newKeySet();
  private final Set<String> perhapsStored = ConcurrentHashMap.newKeySet();
  private final Set<String> acked = ConcurrentHashMap.newKeySet();
  private final Set<String> perhapsAcked = ConcurrentHashMap.newKeySet();
  private final Map<String, Delivery> held = new ConcurrentHashMap<>();
  private final List<String> violations = new ArrayList<>();
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicInteger deliveries = new AtomicInteger();

  @Test
  void standardQueue_losesNothing() throws Exception {
    run(server.createQueue("faults"), 2_000, 20_261_123L, true);
  }

  @Test
  void fifoQueue_losesNothing() throws Exception {
    run(server.createFifoQueue("faults"), 1_000, 42L, false);
  }

  private void run(String url, int count, long seed, boolean duplicates) throws Exception {
    messages = count;
    SqsFaults.Builder builder =
        SqsFaults.seed(seed)
            .lostRequests(0.03)
            .lostReplies(0.03)
            .throttles(0.03)
            .failedEntries(0.03)
            .unlistedEntries(0.03)
            .delays(0.03, Duration.ofMillis(100))
            .staleReceiptsAsAws();
    if (duplicates) {
      builder.duplicateDeliveries(0.03, server.client());
    }
    SqsFaults faults = builder.build();
    SqsAsyncClient client = server.newClient(faults);
    ExecutorService threads = Executors.newFixedThreadPool(CONSUMERS + 1);
    long end = SystemTimeSource.get().nanoTime() + BOUND.toNanos();
    try (SqsWorkQueue queue =
        SqsWorkQueue.builder(client, url)
            .lease(Duration.ofSeconds(3))
            .grace(Duration.ofSeconds(5))
            .build()) {
      List<Future<?>> running = new ArrayList<>();
      running.add(threads.submit(() -> produce(queue)));
      running.get(0).get(BOUND.toSeconds(), TimeUnit.SECONDS);
      for (int i = 0; i < CONSUMERS; i++) {
        running.add(threads.submit(() -> consume(queue, end)));
      }
      for (Future<?> each : running) {
        each.get(BOUND.toSeconds() + 30, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
      client.close();
    }
    check(faults, duplicates);
  }

  private void produce(SqsWorkQueue queue) {
    List<CompletableFuture<EnqueueOutcome>> outcomes = new ArrayList<>();
    for (int i = 0; i < messages; i++) {
      outcomes.add(queue.enqueue(message(i)));
    }
    for (int i = 0; i < messages; i++) {
      String body = "message " + i;
      EnqueueOutcome outcome = outcomes.get(i).join();
      // Refused for a passing reason: surely not stored, so it is sent again until it is known.
      while (outcome instanceof EnqueueOutcome.Failed failed
          && failed.code() != ErrorCode.AMBIGUOUS) {
        assertThat(failed.retryable()).as("%s", failed).isTrue();
        outcome = queue.enqueue(message(i)).join();
      }
      (outcome instanceof EnqueueOutcome.Failed ? perhapsStored : stored).add(body);
    }
  }

  private static Message message(int i) {
    return Message.text("message " + i).key("key " + i % 400).header("number", "" + i);
  }

  private void consume(SqsWorkQueue queue, long end) {
    int quiet = 0;
    while (quiet < 6 && SystemTimeSource.get().nanoTime() - end < 0) {
      List<Delivery> taken = queue.poll(4, Duration.ofSeconds(1));
      quiet = taken.isEmpty() && isResolved() ? quiet + 1 : 0;
      taken.forEach(this::handle);
    }
  }

  private boolean isResolved() {
    return stored.stream().allMatch(body -> acked.contains(body) || perhapsAcked.contains(body));
  }

  private void handle(Delivery delivery) {
    String body = delivery.message().text();
    deliveries.incrementAndGet();
    if (!stored.contains(body) && !perhapsStored.contains(body)) {
      violation("invented: " + body);
    }
    if (!delivery.message().header("number").equals(Optional.of(body.substring(8)))) {
      violation("changed: " + body);
    }
    Delivery other = held.put(delivery.id(), delivery);
    if (other != null && !other.leaseRemaining().isZero()) {
      violation("held twice: " + body);
    }
    LockSupport.parkNanos(HANDLING_NANOS);
    boolean fails = delivery.attempt() == 1 && body.hashCode() % 10 == 0;
    if (fails) {
      failures.incrementAndGet();
      // It may be back before the answer to this is.
      held.remove(delivery.id(), delivery);
      delivery.release().join();
      return;
    }
    Settlement settlement = delivery.ack().join();
    held.remove(delivery.id(), delivery);
    if (settlement == Settlement.OK) {
      if (!acked.add(body) && stored.contains(body)) {
        violation("acked twice: " + body);
      }
    } else if (settlement == Settlement.UNKNOWN) {
      perhapsAcked.add(body);
    }
  }

  private void violation(String what) {
    synchronized (violations) {
      violations.add(what);
    }
  }

  private void check(SqsFaults faults, boolean duplicates) {
    assertThat(violations).isEmpty();
    assertThat(stored)
        .as("stored messages that were neither acked nor perhaps acked")
        .allMatch(body -> acked.contains(body) || perhapsAcked.contains(body));
    // A run in which little happened shows nothing.
    assertThat(stored.size()).isGreaterThan(messages * 8 / 10);
    assertThat(perhapsAcked.stream().filter(stored::contains))
        .as("unknown acks")
        .hasSizeLessThan(messages / 10);
    assertThat(failures.get()).isGreaterThan(messages / 20);
    for (SqsFault fault :
        List.of(
            SqsFault.LOST_REQUEST,
            SqsFault.LOST_REPLY,
            SqsFault.THROTTLE,
            SqsFault.FAILED_ENTRY,
            SqsFault.UNLISTED_ENTRY,
            SqsFault.DELAY)) {
      assertThat(faults.fired(fault)).as("%s", fault).isGreaterThan(5);
    }
    assertThat(faults.fired(SqsFault.DUPLICATE_DELIVERY)).isGreaterThan(duplicates ? 5 : -1);
  }
}
