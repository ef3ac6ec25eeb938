package dev.forebay.queue.loadtest.replay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.trace.Request;
import dev.forebay.queue.loadtest.trace.Trace;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SenderTest {
  private static final long MS = 1_000_000;

  private final Trace trace =
      new Trace(
          "by hand",
          List.of(
              new Request(Duration.ZERO, 100, 1),
              new Request(Duration.ofMillis(30), 0, 1),
              new Request(Duration.ofMillis(60), 1_000_000, 1)));
  private final long[] due = {0, 30 * MS, 60 * MS};
  private final Recorder recorder =
      new Recorder(trace, Timeline.builder(trace, new SpeedUp(1), Slots.of(1)));
  private final ReplayClock clock = new ReplayClock(SystemTimeSource.get());
  private final WorkQueue queue = InMemoryWorkQueue.builder("test").build();

  @AfterEach
  void close() {
    queue.close();
  }

  @Test
  void sends_everyRequest_whenItIsDue_withAPromptOfItsLength() {
    clock.startIn(Duration.ofMillis(5));
    new Sender(trace, due, queue, recorder, clock).run();

    assertThat(clock.now()).isGreaterThanOrEqualTo(due[2]);
    assertThat(recorder.sent()).isEqualTo(3);
    List<Delivery> deliveries = queue.poll(10, Duration.ZERO);
    assertThat(deliveries)
        .extracting(d -> Prompts.number(d).orElseThrow())
        .containsExactly(0, 1, 2);
    assertThat(deliveries)
        .extracting(d -> d.message().bodySize())
        .containsExactly(400, 1, 256 * 1024);
    for (Delivery delivery : deliveries) {
      delivery.ack();
    }
  }

  @Test
  void sendsAgain_whatTheQueueCouldNotTakeForAPassingReason() {
    AtomicInteger calls = new AtomicInteger();
    WorkQueue away =
        new ForwardingWorkQueue(queue) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            return calls.incrementAndGet() <= 2
                ? CompletableFuture.completedFuture(
                    new EnqueueOutcome.Failed(ErrorCode.UNAVAILABLE, "away"))
                : super.enqueue(message);
          }
        };
    new Sender(trace, due, away, recorder, clock).run();

    assertThat(calls).hasValue(5);
    assertThat(recorder.sent()).isEqualTo(3);
    assertThat(recorder.firstRefusal()).isNull();
  }

  @Test
  void givesUp_onWhatTheQueueWillNeverTake() {
    WorkQueue refusing =
        new ForwardingWorkQueue(queue) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            return message.bodySize() > 1_000
                ? CompletableFuture.completedFuture(
                    new EnqueueOutcome.Failed(ErrorCode.INVALID_MESSAGE, "too large"))
                : super.enqueue(message);
          }
        };
    new Sender(trace, due, refusing, recorder, clock).run();

    assertThat(recorder.sent()).isEqualTo(2);
    assertThat(recorder.allSent()).isTrue();
    assertThat(recorder.allHandled()).isFalse();
    assertThat(recorder.firstRefusal()).isEqualTo("INVALID_MESSAGE: too large");
  }

  @Test
  void recorder_countsARequestOnce_howeverOftenItIsConfirmedOrHandled() {
    recorder.enqueued(0, 2 * MS);
    recorder.enqueued(0, 3 * MS);
    recorder.enqueued(1, 40 * MS);
    recorder.started(0, 4 * MS);
    assertThat(recorder.inFlight()).isOne();
    recorder.ended(0, 4 * MS, 5 * MS, true);
    recorder.started(0, 50 * MS);
    recorder.ended(0, 50 * MS, 51 * MS, true);
    // Starts before its sender hears that it is enqueued.
    recorder.started(1, 39 * MS);
    recorder.ended(1, 39 * MS, 45 * MS, false);

    assertThat(recorder.sent()).isEqualTo(2);
    assertThat(recorder.handled()).isOne();
    assertThat(recorder.inFlight()).isZero();
    assertThat(recorder.queueToStartP99Millis()).isEqualTo(2);
    assertThat(recorder.timeline().duplicates()).isOne();
    assertThat(recorder.timeline().lost()).isEqualTo(2);
  }

  @Test
  void waiting_endsAtTheTime_orByAnInterrupt() throws Exception {
    clock.await(clock.now() + 20 * MS);
    assertThat(clock.now()).isGreaterThanOrEqualTo(20 * MS);

    CompletableFuture<Long> ended = new CompletableFuture<>();
    Thread waiter =
        new Thread(
            () -> {
              try {
                clock.await(Long.MAX_VALUE / 2);
              } catch (InterruptedException e) {
                ended.complete(clock.now());
              }
            });
    waiter.start();
    waiter.interrupt();
    assertThat(ended.join()).isPositive();
    waiter.join();
  }
}
