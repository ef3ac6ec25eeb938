package dev.forebay.queue.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.time.SystemTimeSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HistoryRecorderTest {

  private static final Duration LEASE = Duration.ofSeconds(10);

  private final ManualTimeSource clock = new ManualTimeSource();
  private final HistoryRecorder recorder = new HistoryRecorder(clock);

  private WorkQueue open() {
    return recorder.record(InMemoryWorkQueue.builder("recorded").time(clock).lease(LEASE).build());
  }

  private List<Event> events(Kind kind) {
    return recorder.history().events().stream().filter(event -> event.kind() == kind).toList();
  }

  @Test
  void everyCall_isInTheHistory() {
    try (WorkQueue queue = open()) {
      String id = queue.enqueue(Message.text("a").key("k").dedupId("d")).join().orThrow();
      queue.enqueue(Message.text("a").dedupId("d"));
      queue.enqueue(Message.text("a").key("x".repeat(500)));
      assertThat(events(Kind.ENQUEUE))
          .extracting(Event::result)
          .containsExactly(Result.OK, Result.DUPLICATE, Result.FAILED);
      assertThat(events(Kind.ENQUEUE).get(0).id()).isEqualTo(id);

      Delivery delivery = queue.poll(5, Duration.ZERO).get(0);
      Event deliver = events(Kind.DELIVER).get(0);
      assertThat(deliver.told().lease()).isEqualTo(LEASE.toNanos());
      assertThat(deliver.told().key()).isEqualTo("k");
      assertThat(deliver.told().content())
          .isEqualTo(events(Kind.ENQUEUE).get(0).told().content())
          .isNotEqualTo(events(Kind.ENQUEUE).get(1).told().content());
      assertThat(events(Kind.POLL))
          .singleElement()
          .satisfies(
              poll -> {
                assertThat(poll.asked()).isEqualTo(5);
                assertThat(poll.came()).isEqualTo(1);
              });

      clock.advance(Duration.ofSeconds(1));
      delivery.extend(Duration.ofSeconds(20));
      assertThat(events(Kind.EXTEND).get(0).told().lease())
          .isEqualTo(Duration.ofSeconds(20).toNanos());
      delivery.release(Duration.ofSeconds(3));
      assertThat(events(Kind.RELEASE).get(0).amount()).isEqualTo(3_000_000_000L);
      clock.advance(Duration.ofSeconds(3));
      queue.poll(1, Duration.ZERO);
      clock.advance(LEASE);
      Delivery last = queue.poll(1, Duration.ZERO).get(0);
      assertThat(events(Kind.LOST)).singleElement().extracting(Event::delivery).isEqualTo(2L);
      last.giveBack();
      queue.poll(1, Duration.ZERO).get(0).deadLetter(new DeadLetterCause("Poison", ""));
      recorder.look(queue.deadLetters());
      recorder.drained();
    }
    assertThat(events(Kind.RETURN)).hasSize(1);
    assertThat(events(Kind.DEAD).get(0).text()).isEqualTo("Poison");
    assertThat(events(Kind.FOUND).get(0).text()).isEqualTo("Poison");
    assertThat(events(Kind.CLOSE)).hasSize(1);
    Verdict verdict =
        HistoryChecker.of(open().capabilities())
            .times(Duration.ZERO, Duration.ofMillis(10))
            .check(recorder.history());
    assertThat(verdict.isGood()).as(verdict.toString()).isTrue();
  }

  @Test
  void callWithoutAnAnswer_isUnknown() {
    WorkQueue deaf =
        recorder.record(
            new ForwardingWorkQueue(open()) {
              @Override
              public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
                return new CompletableFuture<>();
              }
            });
    deaf.enqueue(Message.text("a"));
    assertThat(events(Kind.ENQUEUE))
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.result()).isEqualTo(Result.UNKNOWN);
              assertThat(event.completed()).isEqualTo(Event.NEVER);
            });
  }

  @Test
  void moreThanTheBound_isCounted_andDecidesNothing() {
    HistoryRecorder small = new HistoryRecorder(clock, 3);
    WorkQueue queue =
        small.record(InMemoryWorkQueue.builder("recorded").time(clock).lease(LEASE).build());
    for (int i = 0; i < 10; i++) {
      queue.enqueue(Message.text("m" + i));
    }
    History history = small.history();
    assertThat(history.events()).hasSize(3);
    assertThat(history.dropped()).isEqualTo(8);
    assertThat(HistoryChecker.of(queue.capabilities()).check(history).isGood()).isFalse();
  }

  @Test
  void manyThreads_loseNoEvent() throws InterruptedException {
    HistoryRecorder real = new HistoryRecorder(SystemTimeSource.get());
    WorkQueue queue = real.record(InMemoryWorkQueue.builder("recorded").build());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Thread thread =
          new Thread(
              () -> {
                for (int j = 0; j < 500; j++) {
                  queue.enqueue(Message.text("m"));
                  queue.poll(1, Duration.ZERO).forEach(Delivery::ack);
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    List<Event> events = real.history().events();
    assertThat(events).filteredOn(event -> event.kind() == Kind.ENQUEUE).hasSize(4_000);
    assertThat(events)
        .filteredOn(event -> event.kind() == Kind.ACK && event.result() == Result.OK)
        .hasSameSizeAs(events.stream().filter(event -> event.kind() == Kind.DELIVER).toList());
    queue.close();
  }

  @Test
  void file_bringsBackTheSame(@TempDir Path directory) throws IOException {
    Script script = new Script().enqueue("a", 0, Result.OK, "k", "d", 20);
    script.act(Kind.DEAD, script.deliver("a", 100), 200, Result.OK, 0);
    script.enqueue("b", 300, Result.UNKNOWN, null, null, 0).found(7, "a", 400, "Ünknown");
    List<Event> events = new ArrayList<>(script.history().events());
    events.add(new Event.Draft(Kind.POLL, 3, -5).counts(4, 0).end(Event.NEVER, Result.UNKNOWN));
    History history = new History(events, 12);
    Path file = directory.resolve("a.history");
    history.write(file);
    assertThat(History.read(file)).isEqualTo(history);
  }

  @Test
  void file_isSmall(@TempDir Path directory) throws IOException {
    Script script = new Script();
    for (int i = 0; i < 10_000; i++) {
      script.enqueue("message-" + i, i);
    }
    Path file = directory.resolve("a.history");
    script.history().write(file);
    assertThat(Files.size(file)).isLessThan(20 * 10_000L);
  }

  @Test
  void otherFile_isRefused(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("a.history");
    Files.writeString(file, "something else");
    assertThatThrownBy(() -> History.read(file)).isInstanceOf(IOException.class);
  }
}
