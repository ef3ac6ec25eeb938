package dev.forebay.queue.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.Message;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** S4: the in-memory queue knows everything about its messages. */
class MemoryExplanationsTest {

  private static final Duration LEASE = Duration.ofSeconds(30);

  private final ManualTimeSource time = new ManualTimeSource();
  private final InMemoryStore store = new InMemoryStore(time);
  private final InMemoryWorkQueue queue = open();

  private InMemoryWorkQueue open() {
    return InMemoryWorkQueue.builder("q").store(store).lease(LEASE).build();
  }

  private String enqueue(Message message) {
    return queue.enqueue(message).join().orThrow();
  }

  private Delivery take() {
    return queue.poll(Duration.ZERO).orElseThrow();
  }

  @Test
  void S4_readyThenLeasedByWhomSinceAndUntil() {
    String id = enqueue(Message.text("m"));
    assertThat(queue.explain(id).state()).isEqualTo(State.READY);
    Delivery held = take();
    time.advance(Duration.ofSeconds(10));
    Explanation leased = queue.explain(id);
    assertThat(leased.state()).isEqualTo(State.LEASED);
    assertThat(leased.until()).contains(held.leaseUntil());
    assertThat(leased.sentence())
        .contains("since 2026-01-01T00:00:00Z")
        .contains("until 2026-01-01T00:00:30Z")
        .contains(Thread.currentThread().getName())
        .contains("of this queue object");
    assertThat(open().explain(id).sentence()).contains("of another queue object");
  }

  @Test
  void S4_anEndedLeaseIsNoLongerTold() {
    String id = enqueue(Message.text("m"));
    take();
    time.advance(LEASE);
    Explanation ready = queue.explain(id);
    assertThat(ready.state()).isEqualTo(State.READY);
    assertThat(ready.sentence()).contains("1 lost their lease");
  }

  @Test
  void S4_delayedUntil() {
    String id = enqueue(Message.text("m").delay(Duration.ofMinutes(5)));
    Explanation delayed = queue.explain(id);
    assertThat(delayed.state()).isEqualTo(State.DELAYED);
    assertThat(delayed.until()).contains(time.now().plus(Duration.ofMinutes(5)));
  }

  @Test
  void S4_waitingForWhichMessageOfItsKeyWithoutTellingTheKey() {
    String first = enqueue(Message.text("a").key("secret-key"));
    String second = enqueue(Message.text("b").key("secret-key"));
    Delivery held = take();
    Explanation waiting = queue.explain(second);
    assertThat(waiting.state()).isEqualTo(State.WAITING_FOR_KEY);
    assertThat(waiting.sentence()).contains(first).contains("leased").doesNotContain("secret");
    held.release(Duration.ofSeconds(5)).join();
    assertThat(queue.explain(second).sentence()).contains(first).contains("delayed");
  }

  @Test
  void S4_deadLetteredBecauseAndBackAgain() {
    String id = enqueue(Message.text("m"));
    take().release().join();
    take().deadLetter(new DeadLetterCause("Broken", "no way")).join();
    Explanation dead = queue.explain(id);
    assertThat(dead.state()).isEqualTo(State.DEAD_LETTERED);
    assertThat(dead.sentence()).contains("Broken: no way").contains("failed");
    queue.deadLetters().redrive(DeadLetterFilter.all(), RedriveOptions.unlimited());
    assertThat(queue.explain(id).state()).isEqualTo(State.READY);
  }

  @Test
  void S4_settledOrNeverEnqueuedIsAbsent() {
    String id = enqueue(Message.text("m"));
    take().ack().join();
    assertThat(queue.explain(id).state()).isEqualTo(State.ABSENT);
    assertThat(queue.explain("never").state()).isEqualTo(State.ABSENT);
  }

  @Test
  void S4_decoratorsPassItOn() {
    String id = enqueue(Message.text("m"));
    WorkQueue decorated = new ForwardingWorkQueue(queue) {};
    assertThat(decorated.explain(id)).isEqualTo(queue.explain(id));
  }
}
