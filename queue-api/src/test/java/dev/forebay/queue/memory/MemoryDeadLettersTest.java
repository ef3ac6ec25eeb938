package dev.forebay.queue.memory;

import static dev.forebay.queue.DeadLetterFilter.all;
import static dev.forebay.queue.DeadLetterFilter.byCause;
import static dev.forebay.queue.DeadLetterFilter.byKey;
import static dev.forebay.queue.DeadLetterFilter.olderThan;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** D3 where the in-memory queue, and the bench over any backend, could go wrong by themselves. */
class MemoryDeadLettersTest {

  private final ManualTimeSource time = new ManualTimeSource();
  private final InMemoryStore store = new InMemoryStore(time, "m");
  private final WorkQueue queue = InMemoryWorkQueue.builder("work").store(store).build();
  private final WorkQueue dead =
      InMemoryWorkQueue.builder("work.dlq").store(store).withoutDeadLetters().build();

  @Test
  void D3_whatSomebodyHolds_isNeitherShownNorMoved() {
    die("a", null);
    die("b", null);
    Delivery held = dead.poll(1, Duration.ZERO).get(0);
    assertThat(queue.deadLetters().list(all())).extracting(DeadLetters.Item::id).hasSize(1);
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(held.isLost()).isFalse();
    held.giveBack();
    assertThat(queue.deadLetters().list(all()))
        .extracting(DeadLetters.Item::id)
        .containsExactly(held.id());
  }

  @Test
  void D3_takenBetweenLookAndMove_isReportedAndStaysWithItsHolder() {
    die("a", null);
    List<Delivery> held = new ArrayList<>();
    DeadLetters.Report report =
        queue
            .deadLetters()
            .redrive(
                (item, now) -> held.addAll(dead.poll(1, Duration.ZERO)),
                RedriveOptions.unlimited());
    assertThat(report)
        .isEqualTo(new DeadLetters.Report(1, 0, 0, Map.of(ErrorCode.LEASE_LOST, 1L), false));
    assertThat(held.get(0).isLost()).isFalse();
    assertThat(queue.poll(1, Duration.ZERO)).isEmpty();
  }

  @Test
  void D3_fullSource_keepsTheDeadLetterAndEndsTheRun() {
    InMemoryStore small = new InMemoryStore(time, "s");
    WorkQueue tiny = InMemoryWorkQueue.builder("tiny").store(small).maxMessages(1).build();
    tiny.enqueue(Message.text("dies")).join().orThrow();
    tiny.poll(1, Duration.ZERO).get(0).deadLetter(new DeadLetterCause("A", ""));
    tiny.enqueue(Message.text("fills it")).join().orThrow();
    DeadLetters.Report report = tiny.deadLetters().redrive(all(), RedriveOptions.unlimited());
    assertThat(report)
        .isEqualTo(new DeadLetters.Report(1, 0, 0, Map.of(ErrorCode.OVERLOADED, 1L), true));
    assertThat(tiny.deadLetters().list(all()).items()).hasSize(1);
  }

  @Test
  void D3_olderThan_goesByTheFirstEnqueue() {
    String old = die("old", null);
    time.advance(Duration.ofHours(2));
    die("young", null);
    DeadLetters letters = queue.deadLetters();
    assertThat(letters.list(olderThan(Duration.ofHours(2))))
        .extracting(DeadLetters.Item::id)
        .containsExactly(old);
    assertThat(letters.summary(all()).oldestAge()).contains(Duration.ofHours(2));
  }

  @Test
  void D3_messageEnqueuedByHand_isShownToo() {
    dead.enqueue(Message.text("by hand")).join();
    DeadLetters.Item item = queue.deadLetters().list(all()).items().get(0);
    assertThat(item.letter().cause().type()).isEqualTo("UNSPECIFIED");
    assertThat(item.letter().origin()).isEqualTo("work");
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(queue.poll(1, Duration.ZERO).get(0).message().text()).isEqualTo("by hand");
  }

  @Test
  void D3_rate_isKeptOverTime_withoutBursts() throws InterruptedException {
    for (int i = 0; i < 4; i++) {
      die("m-" + i, null);
    }
    CompletableFuture<DeadLetters.Report> run =
        CompletableFuture.supplyAsync(
            () -> queue.deadLetters().redrive(all(), RedriveOptions.perSecond(0.1)));
    for (int arrived = 1; arrived <= 3; arrived++) {
      // The next one waits for its turn, so everything before it has happened.
      while (time.pendingTimers() == 0) {
        Thread.onSpinWait();
      }
      assertThat(queue.depth().backlog()).isEqualTo(arrived);
      time.advance(Duration.ofMillis(9_999));
      assertThat(time.pendingTimers()).isEqualTo(1);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(run.join().done()).isEqualTo(4);
  }

  @Test
  void D3_interruptedRun_saysWhatItDid() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      die("m-" + i, null);
    }
    DeadLetters.Report[] report = new DeadLetters.Report[1];
    boolean[] flag = new boolean[1];
    Thread thread =
        new Thread(
            () -> {
              report[0] = queue.deadLetters().redrive(all(), RedriveOptions.perSecond(0.1));
              flag[0] = Thread.currentThread().isInterrupted();
            });
    thread.start();
    while (time.pendingTimers() == 0) {
      Thread.onSpinWait();
    }
    thread.interrupt();
    thread.join();
    assertThat(report[0]).isEqualTo(new DeadLetters.Report(1, 1, 0, Map.of(), true));
    assertThat(flag[0]).isTrue();
    assertThat(queue.deadLetters().summary(all()).count()).isEqualTo(2);
  }

  /** Redrives, discards, polls and deaths in any order: each message is in exactly one place. */
  @Test
  void D3_anyOrderOfSteps_keepsEachMessageInOnePlace() {
    for (int seed = 0; seed < 200; seed++) {
      anyOrder(new SplittableRandom(seed));
    }
  }

  private static void anyOrder(SplittableRandom random) {
    InMemoryStore store = new InMemoryStore(new ManualTimeSource(), "r");
    WorkQueue queue = InMemoryWorkQueue.builder("work").store(store).build();
    WorkQueue dead =
        InMemoryWorkQueue.builder("work.dlq").store(store).withoutDeadLetters().build();
    TreeSet<String> alive = new TreeSet<>();
    TreeSet<String> buried = new TreeSet<>();
    for (int step = 0; step < 120; step++) {
      switch (random.nextInt(6)) {
        case 0, 1 -> {
          Message message = Message.text("m-" + step);
          String key = random.nextBoolean() ? null : "k-" + random.nextInt(3);
          alive.add(queue.enqueue(message.key(key)).join().orThrow());
        }
        case 2, 3 ->
            queue
                .poll(1 + random.nextInt(3), Duration.ZERO)
                .forEach(
                    delivery -> {
                      delivery.deadLetter(new DeadLetterCause("C" + random.nextInt(2), ""));
                      alive.remove(delivery.id());
                      buried.add(delivery.id());
                    });
        case 4 -> {
          var filter = random.nextBoolean() ? byCause("C1") : byKey("k-1");
          var matching = queue.deadLetters().list(filter).items();
          boolean back = random.nextBoolean();
          RedriveOptions options = RedriveOptions.unlimited().maxRedrives(1_000);
          DeadLetters.Report report =
              back
                  ? queue.deadLetters().redrive(filter, options)
                  : queue.deadLetters().discard(filter, options);
          assertThat(report.done()).isEqualTo(matching.size());
          for (DeadLetters.Item item : matching) {
            assertThat(buried.remove(item.id())).isTrue();
            if (back) {
              alive.add(item.id());
            }
          }
        }
        default ->
            dead.poll(1, Duration.ZERO)
                .forEach(
                    delivery -> {
                      if (random.nextBoolean()) {
                        delivery.ack();
                        buried.remove(delivery.id());
                      } else {
                        delivery.giveBack();
                      }
                    });
      }
      assertThat(dead.depth().backlog()).isEqualTo(buried.size());
      assertThat(queue.depth().backlog()).isEqualTo(alive.size());
    }
    assertThat(drained(dead)).isEqualTo(buried);
    assertThat(drained(queue)).isEqualTo(alive);
  }

  private static TreeSet<String> drained(WorkQueue queue) {
    TreeSet<String> ids = new TreeSet<>();
    for (List<Delivery> some = queue.poll(5, Duration.ZERO);
        !some.isEmpty();
        some = queue.poll(5, Duration.ZERO)) {
      for (Delivery delivery : some) {
        assertThat(ids.add(delivery.id())).isTrue();
        delivery.ack();
      }
    }
    return ids;
  }

  @Test
  void D3_optionsThatMakeNoSense_areRefused() {
    assertThatThrownBy(() -> RedriveOptions.perSecond(0)).hasMessageContaining("above zero");
    assertThatThrownBy(() -> RedriveOptions.perSecond(Double.NaN)).hasMessageContaining("above");
    assertThatThrownBy(() -> RedriveOptions.unlimited().max(0)).hasMessageContaining("at least 1");
    assertThatThrownBy(() -> RedriveOptions.unlimited().maxRedrives(-1))
        .hasMessageContaining("negative");
  }

  private String die(String text, String key) {
    String id = queue.enqueue(Message.text(text).key(key)).join().orThrow();
    queue.poll(1, Duration.ZERO).get(0).deadLetter(new DeadLetterCause("Test", ""));
    return id;
  }
}
