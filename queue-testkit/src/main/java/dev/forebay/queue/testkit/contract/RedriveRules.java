package dev.forebay.queue.testkit.contract;

import static dev.forebay.queue.DeadLetterFilter.all;
import static dev.forebay.queue.DeadLetterFilter.byCause;
import static dev.forebay.queue.DeadLetterFilter.byId;
import static dev.forebay.queue.DeadLetterFilter.byKey;
import static dev.forebay.queue.DeadLetterFilter.byType;
import static dev.forebay.queue.DeadLetterFilter.olderThan;
import static dev.forebay.queue.DeadLetterFilter.youngerThan;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** D3: dead letters can be looked at, brought back and thrown away. */
public interface RedriveRules {

  /** Looking takes nothing: the second look finds the same, and so does who polls them. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_list_consumesNothing(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = die(trial, queue, 12);
    DeadLetters.Listing first = queue.deadLetters().list(all());
    assertThat(first).extracting(DeadLetters.Item::id).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(first.cut()).isFalse();
    DeadLetters.Listing second = trial.open().deadLetters().list(all());
    assertThat(second).containsExactlyInAnyOrderElementsOf(first);
    List<Delivery> polled = trial.take(trial.openDeadLetters(), 12);
    assertThat(polled).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(polled);
  }

  /** An item is the message as it was, with what it died of. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_list_showsTheMessageAndWhatItDiedOf(Trial trial) {
    WorkQueue queue = trial.open();
    Message message =
        Message.text("dies").key("k-1").dedupId("d-1").type("summarise").header("trace", "42");
    String id = trial.enqueue(queue, message);
    Delivery first = trial.take(queue);
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    Delivery last = trial.take(queue);
    DeadLetterCause cause = DeadLetterCause.of(new IllegalStateException("out of memory"));
    assertThat(trial.get(last.deadLetter(cause))).isEqualTo(Settlement.OK);

    DeadLetters.Item item = only(queue.deadLetters().list(all()));
    assertThat(item.id()).isEqualTo(id);
    assertThat(item.message()).isEqualTo(message);
    assertThat(item.enqueuedAt()).isEqualTo(first.enqueuedAt());
    DeadLetter letter = item.letter();
    assertThat(letter.cause()).isEqualTo(cause);
    assertThat(letter.attempts().failed()).isEqualTo(2);
    assertThat(letter.origin()).isEqualTo(queue.name());
    assertThat(letter.redrives()).isZero();
  }

  /** A list holds no more than it was asked for, and says when there may be more. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_list_isBoundedAndSaysSo(Trial trial) {
    WorkQueue queue = trial.open();
    assertThat(queue.deadLetters().list(all()).items()).isEmpty();
    List<String> ids = die(trial, queue, 7);
    DeadLetters.Listing some = queue.deadLetters().list(all(), 3);
    assertThat(some.items()).hasSize(3);
    assertThat(some.cut()).isTrue();
    assertThat(ids).containsAll(some.items().stream().map(DeadLetters.Item::id).toList());
    DeadLetters.Listing all = queue.deadLetters().list(all(), 8);
    assertThat(all.items()).hasSize(7);
    assertThat(all.cut()).isFalse();
    assertThatThrownBy(() -> queue.deadLetters().list(all(), 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Filters by cause, type, key, id and age, and their combinations. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_filters_chooseAndCombine(Trial trial) {
    WorkQueue queue = trial.open();
    String a = die(trial, queue, Message.text("a").type("chat").key("k-1"), "OutOfMemory");
    String b = die(trial, queue, Message.text("b").type("summarise").key("k-1"), "OutOfMemory");
    String c = die(trial, queue, Message.text("c").type("summarise").key("k-2"), "Timeout");
    String d = die(trial, queue, Message.text("d"), "Timeout");
    DeadLetters letters = queue.deadLetters();
    Duration age = Duration.ofMinutes(10);
    assertThat(ids(letters, byCause("OutOfMemory"))).containsExactlyInAnyOrder(a, b);
    assertThat(ids(letters, byType("summarise"))).containsExactlyInAnyOrder(b, c);
    assertThat(ids(letters, byKey("k-1"))).containsExactlyInAnyOrder(a, b);
    assertThat(ids(letters, byId(c))).containsExactly(c);
    assertThat(ids(letters, byCause("OutOfMemory").and(byType("summarise")))).containsExactly(b);
    assertThat(ids(letters, byType("chat").or(byId(d)))).containsExactlyInAnyOrder(a, d);
    assertThat(ids(letters, byCause("Timeout").not())).containsExactlyInAnyOrder(a, b);
    assertThat(ids(letters, olderThan(age))).isEmpty();
    assertThat(ids(letters, youngerThan(age))).containsExactlyInAnyOrder(a, b, c, d);
    assertThat(ids(letters, byCause("nothing died of this"))).isEmpty();
  }

  /** How many there are, and how old the oldest is by its first enqueue. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_summary_countsAndKnowsTheOldest(Trial trial) {
    WorkQueue queue = trial.open();
    DeadLetters letters = queue.deadLetters();
    assertThat(letters.summary(all()).count()).isZero();
    assertThat(letters.summary(all()).oldestAge()).isEmpty();
    long began = trial.timing().nanoTime();
    trial.enqueue(queue, Message.text("older"));
    Delivery older = trial.take(queue);
    trial.timing().pass(Duration.ofMillis(1_200));
    die(trial, queue, Message.text("younger"), "Young");
    assertThat(trial.get(older.deadLetter(new DeadLetterCause("Old", ""))))
        .isEqualTo(Settlement.OK);

    DeadLetters.Summary summary = letters.summary(all());
    Duration most = trial.timing().since(began).plus(trial.timing().granularity());
    assertThat(summary.count()).isEqualTo(2);
    assertThat(summary.cut()).isFalse();
    assertThat(summary.oldestAge().orElseThrow())
        .isBetween(Duration.ofMillis(1_200).minus(trial.timing().granularity()), most);
    assertThat(letters.summary(byCause("Young")).count()).isEqualTo(1);
  }

  /** Attempt 1 again, in all else the message it was, and no longer among the dead letters. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_redrive_startsAgainAndKeepsTheMessage(Trial trial) {
    WorkQueue queue = trial.open();
    Message message =
        Message.of(new byte[] {0, -1, 7})
            .key("k-1")
            .dedupId("d-1")
            .type("chat")
            .header("trace", "42")
            .deadline(Duration.ofHours(1));
    String id = trial.enqueue(queue, message);
    Delivery first = trial.take(queue);
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    Delivery last = trial.take(queue);
    assertThat(last.attempt()).isEqualTo(2);
    assertThat(trial.get(last.deadLetter(new DeadLetterCause("Test", ""))))
        .isEqualTo(Settlement.OK);

    DeadLetters.Report report = queue.deadLetters().redrive(all(), RedriveOptions.unlimited());
    assertThat(report).isEqualTo(new DeadLetters.Report(1, 1, 0, Map.of(), false));
    Delivery again = trial.take(queue);
    assertThat(again.id()).isEqualTo(id);
    assertThat(again.message()).isEqualTo(first.message());
    assertThat(again.enqueuedAt()).isEqualTo(first.enqueuedAt());
    assertThat(again.attempt()).isEqualTo(1);
    assertThat(again.attempts()).isEqualTo(Attempts.NONE);
    assertThat(again.deadLetter()).isEmpty();
    trial.ack(again);
    assertThat(queue.deadLetters().list(all()).items()).isEmpty();
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).matched()).isZero();
  }

  /** Many of one key come back, each once: none hides or holds up another. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_redrive_bringsBackEachOnce(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      ids.add(die(trial, queue, Message.text("m-" + i).key(i < 15 ? "hot" : "k-" + i), "Test"));
    }
    assertThat(ids(queue.deadLetters(), all())).containsExactlyInAnyOrderElementsOf(ids);
    List<DeadLetters.Report> progress = new ArrayList<>();
    DeadLetters.Report report =
        queue.deadLetters().redrive(all(), RedriveOptions.unlimited().onProgress(progress::add));
    assertThat(report).isEqualTo(new DeadLetters.Report(25, 25, 0, Map.of(), false));
    assertThat(progress).isNotEmpty();
    assertThat(progress.get(progress.size() - 1).done()).isEqualTo(25);
    assertThat(acked(trial, queue, 25)).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(queue.deadLetters().summary(all()).count()).isZero();
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** Only what the filter lets through, and no more than the maximum. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_redrive_leavesTheOthers(Trial trial) {
    WorkQueue queue = trial.open();
    String a = die(trial, queue, Message.text("a"), "Fixed");
    String b = die(trial, queue, Message.text("b"), "Broken");
    String c = die(trial, queue, Message.text("c"), "Fixed");
    DeadLetters letters = queue.deadLetters();
    DeadLetters.Report one = letters.redrive(byCause("Fixed"), RedriveOptions.unlimited().max(1));
    assertThat(one.matched()).isEqualTo(1);
    assertThat(one.done()).isEqualTo(1);
    assertThat(one.cut()).isTrue();
    assertThat(letters.redrive(byCause("Fixed"), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(acked(trial, queue, 2)).containsExactlyInAnyOrder(a, c);
    assertThat(ids(letters, all())).containsExactly(b);
  }

  /** A dry run tells what a run would do and does none of it. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_dryRun_changesNothing(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = die(trial, queue, 4);
    DeadLetters letters = queue.deadLetters();
    DeadLetters.Listing before = letters.list(all());
    RedriveOptions dry = RedriveOptions.perSecond(0.001).dryRun();
    DeadLetters.Report would = new DeadLetters.Report(4, 4, 0, Map.of(), false);
    assertThat(letters.redrive(all(), RedriveOptions.unlimited().dryRun())).isEqualTo(would);
    assertThat(letters.discard(all(), dry)).isEqualTo(would);
    assertThat(letters.list(all())).containsExactlyInAnyOrderElementsOf(before);
    assertThat(before).extracting(DeadLetters.Item::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** Discarded is gone, the rest stays. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_discard_removesWhatMatches(Trial trial) {
    WorkQueue queue = trial.open();
    die(trial, queue, Message.text("a"), "Garbage");
    String b = die(trial, queue, Message.text("b"), "Useful");
    die(trial, queue, Message.text("c"), "Garbage");
    DeadLetters letters = queue.deadLetters();
    DeadLetters.Report report = letters.discard(byCause("Garbage"), RedriveOptions.unlimited());
    assertThat(report).isEqualTo(new DeadLetters.Report(2, 2, 0, Map.of(), false));
    assertThat(ids(trial.open().deadLetters(), all())).containsExactly(b);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** A message that keeps dying says how often it came back, and is left alone at some point. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_loop_isRecognisedAndStopped(Trial trial) {
    WorkQueue queue = trial.open();
    DeadLetters letters = queue.deadLetters();
    RedriveOptions twice = RedriveOptions.unlimited().maxRedrives(2);
    String id = die(trial, queue, Message.text("loops").dedupId("d").key("k"), "Test");
    for (int redrives = 0; redrives < 2; redrives++) {
      assertThat(only(letters.list(all())).letter().redrives()).isEqualTo(redrives);
      assertThat(letters.redrive(all(), twice).done()).isEqualTo(1);
      Delivery again = trial.take(queue);
      assertThat(again.id()).isEqualTo(id);
      DeadLetterCause cause = new DeadLetterCause("Test", "again");
      assertThat(trial.get(again.deadLetter(cause))).isEqualTo(Settlement.OK);
    }
    assertThat(only(letters.list(all())).letter().redrives()).isEqualTo(2);
    assertThat(letters.redrive(all(), twice))
        .isEqualTo(new DeadLetters.Report(1, 0, 1, Map.of(), false));
    trial.nothingArrives(queue, Duration.ofMillis(500));
    assertThat(letters.redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(trial.take(queue).id()).isEqualTo(id);
  }

  /** A redrive with a rate takes its time. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_redrive_keepsItsRate(Trial trial) {
    WorkQueue queue = trial.open();
    die(trial, queue, 6);
    long began = trial.timing().nanoTime();
    DeadLetters.Report report =
        Background.start(
                trial.timing(),
                "redrive",
                () -> queue.deadLetters().redrive(all(), RedriveOptions.perSecond(5)))
            .result(Duration.ofSeconds(30));
    assertThat(report.done()).isEqualTo(6);
    assertThat(trial.timing().since(began))
        .as("time of six at five a second")
        .isGreaterThanOrEqualTo(Duration.ofSeconds(1).minus(trial.timing().granularity()));
    assertThat(acked(trial, queue, 6)).hasSize(6);
  }

  /** A run that broke off in the middle is resumed by another one, and nothing is lost. */
  @Test
  @WhenOffered(Ability.WORKBENCH)
  default void D3_redriveThatBreaksOff_isResumed(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = die(trial, queue, 9);
    RedriveOptions breaking =
        RedriveOptions.perSecond(4)
            .onProgress(
                report -> {
                  throw new IllegalStateException("the process dies here");
                });
    assertThatThrownBy(
            () ->
                Background.start(
                        trial.timing(),
                        "redrive",
                        () -> queue.deadLetters().redrive(all(), breaking))
                    .result(Duration.ofSeconds(30)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the process dies here");
    DeadLetters other = trial.open().deadLetters();
    long left = other.summary(all()).count();
    assertThat(left).as("left after the break").isBetween(5L, 8L);
    assertThat(other.redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(left);
    assertThat(acked(trial, queue, 9)).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(other.summary(all()).count()).isZero();
  }

  /** Without a destination there is an error, and nothing changes. */
  @Test
  default void D3_withoutDestination_isRefused(Trial trial) {
    trial.use(trial.settings().withoutDeadLetters());
    WorkQueue queue = trial.open();
    refused(trial, queue);
  }

  /** A backend without the workbench says so, and nothing changes. */
  @Test
  @WhenAbsent(Ability.WORKBENCH)
  default void D3_absent_isRefused(Trial trial) {
    refused(trial, trial.open());
  }

  private static void refused(Trial trial, WorkQueue queue) {
    trial.enqueue(queue, Message.text("stays"));
    assertThatThrownBy(queue::deadLetters)
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
    trial.ack(trial.take(queue));
  }

  private static String die(Trial trial, WorkQueue queue, Message message, String cause) {
    String id = trial.enqueue(queue, message);
    Delivery delivery = trial.take(queue);
    assertThat(trial.get(delivery.deadLetter(new DeadLetterCause(cause, "of " + id))))
        .isEqualTo(Settlement.OK);
    return id;
  }

  private static List<String> die(Trial trial, WorkQueue queue, int count) {
    List<String> ids = trial.enqueueMany(queue, count);
    List<CompletableFuture<Settlement>> settlements = new ArrayList<>();
    for (Delivery delivery : trial.take(queue, count)) {
      settlements.add(delivery.deadLetter(new DeadLetterCause("Test", "")));
    }
    settlements.forEach(each -> assertThat(trial.get(each)).isEqualTo(Settlement.OK));
    return ids;
  }

  private static List<String> acked(Trial trial, WorkQueue queue, int count) {
    Map<String, String> bodies = new HashMap<>();
    while (bodies.size() < count) {
      Delivery delivery = trial.take(queue);
      assertThat(bodies.put(delivery.id(), delivery.message().text()))
          .as("%s came twice", delivery)
          .isNull();
      trial.ack(delivery);
    }
    return List.copyOf(bodies.keySet());
  }

  private static DeadLetters.Item only(DeadLetters.Listing listing) {
    assertThat(listing.items()).hasSize(1);
    return listing.items().get(0);
  }

  private static List<String> ids(DeadLetters letters, DeadLetterFilter filter) {
    return letters.list(filter).items().stream().map(DeadLetters.Item::id).toList();
  }
}
