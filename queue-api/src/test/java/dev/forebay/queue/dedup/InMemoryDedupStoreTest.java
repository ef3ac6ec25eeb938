package dev.forebay.queue.dedup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** The bounds of the store in memory; what all stores keep is in the testkit's contract. */
class InMemoryDedupStoreTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration HOUR = Duration.ofHours(1);

  private final ManualTimeSource time = new ManualTimeSource();

  private InMemoryDedupStore store(int entries) {
    return InMemoryDedupStore.builder().time(time).maxEntries(entries).build();
  }

  private static Claim claim(InMemoryDedupStore store, String id, Duration term) {
    Claim claim = Claim.on(DedupKey.of(id));
    assertThat(store.claim(claim, term).join()).as(id).isInstanceOf(ClaimOutcome.Granted.class);
    return claim;
  }

  private static void finish(InMemoryDedupStore store, String id, byte... result) {
    assertThat(store.complete(claim(store, id, MINUTE), result, HOUR).join()).as(id).isTrue();
  }

  private static ClaimOutcome ask(InMemoryDedupStore store, String id) {
    return store.claim(Claim.on(DedupKey.of(id)), MINUTE).join();
  }

  private static boolean isFinished(InMemoryDedupStore store, String id) {
    Claim probe = Claim.on(DedupKey.of(id));
    boolean finished = store.claim(probe, MINUTE).join() instanceof ClaimOutcome.Finished;
    store.release(probe).join();
    return finished;
  }

  @Test
  void U3_fullOfCompletions_forgetsTheOldestFirst() {
    InMemoryDedupStore store = store(3);
    finish(store, "a");
    finish(store, "b");
    finish(store, "c");
    finish(store, "d");
    assertThat(store.size()).isEqualTo(3);
    assertThat(ask(store, "b")).isInstanceOf(ClaimOutcome.Finished.class);
    assertThat(ask(store, "c")).isInstanceOf(ClaimOutcome.Finished.class);
    assertThat(ask(store, "d")).isInstanceOf(ClaimOutcome.Finished.class);
    assertThat(ask(store, "a")).isInstanceOf(ClaimOutcome.Granted.class);
    assertThat(isFinished(store, "b")).as("made room for the claim on a").isFalse();
  }

  @Test
  void U3_completionsMakeRoom_claimsDoNot() {
    InMemoryDedupStore store = store(3);
    Claim first = claim(store, "first", MINUTE);
    finish(store, "done");
    Claim second = claim(store, "second", MINUTE);
    Claim third = claim(store, "third", MINUTE);
    for (Claim each : List.of(first, second, third)) {
      assertThat(store.extend(each, MINUTE).join()).isTrue();
    }
  }

  @Test
  void U3_fullOfClaims_refusesAndSaysWhatToDo() {
    InMemoryDedupStore store = store(2);
    Claim first = claim(store, "a", MINUTE);
    claim(store, "b", MINUTE);
    assertThatThrownBy(() -> ask(store, "c"))
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OVERLOADED))
        .hasMessageContaining("maxEntries");
    assertThat(ask(store, "a")).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThat(store.size()).isEqualTo(2);
    // A completion keeps the place of its claim, so it always has one.
    assertThat(store.complete(first, null, HOUR).join()).isTrue();
    claim(store, "c", MINUTE);
  }

  @Test
  void U3_claimsThatEndedMakeRoom_whateverTheirTerms() {
    InMemoryDedupStore store = store(3);
    claim(store, "long", HOUR);
    claim(store, "short", MINUTE);
    Claim extended = claim(store, "extended", MINUTE);
    store.extend(extended, HOUR).join();
    time.advance(MINUTE);
    claim(store, "new", MINUTE);
    assertThat(ask(store, "long")).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThat(ask(store, "extended")).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThatThrownBy(() -> ask(store, "short")).hasRootCauseInstanceOf(QueueException.class);
  }

  @Test
  void U2_aClaimEndsWithItsTermAndNotBefore() {
    InMemoryDedupStore store = store(10);
    Claim claim = claim(store, "a", MINUTE);
    time.advance(MINUTE.minusNanos(1));
    assertThat(ask(store, "a")).isEqualTo(new ClaimOutcome.InProgress(Duration.ofNanos(1)));
    assertThat(store.extend(claim, MINUTE).join()).isTrue();
    time.advance(MINUTE);
    assertThat(store.complete(claim, null, HOUR).join()).isFalse();
    claim(store, "a", MINUTE);
  }

  @Test
  void U2_resultsAreBounded_theOldestGoAndTheirCompletionsStay() {
    InMemoryDedupStore store = InMemoryDedupStore.builder().time(time).maxResultBytes(10).build();
    finish(store, "a", new byte[4]);
    finish(store, "b", new byte[4]);
    finish(store, "c", new byte[4]);
    finish(store, "large", new byte[11]);
    List<Integer> kept = new ArrayList<>();
    for (String id : List.of("a", "b", "c", "large")) {
      assertThat(ask(store, id))
          .isInstanceOfSatisfying(
              ClaimOutcome.Finished.class,
              finished -> kept.add(finished.result().map(result -> result.length).orElse(-1)));
    }
    assertThat(kept).containsExactly(-1, 4, 4, -1);
  }

  @Test
  void U2_resultsAreCopied() {
    InMemoryDedupStore store = store(10);
    byte[] given = {1};
    Claim claim = claim(store, "a", MINUTE);
    store.complete(claim, given, HOUR).join();
    given[0] = 2;
    for (int i = 0; i < 2; i++) {
      ClaimOutcome.Finished finished = (ClaimOutcome.Finished) ask(store, "a");
      assertThat(finished.result().orElseThrow()).containsExactly(1);
      finished.result().orElseThrow()[0] = 3;
    }
  }

  @Test
  void U3_forgottenCompletionsGiveTheirResultBytesBack() {
    InMemoryDedupStore store =
        InMemoryDedupStore.builder().time(time).maxEntries(2).maxResultBytes(2).build();
    for (int i = 0; i < 100; i++) {
      finish(store, "id " + i, (byte) i);
    }
    time.advance(HOUR);
    finish(store, "id 99", (byte) 1);
    finish(store, "last", (byte) 2);
    assertThat(((ClaimOutcome.Finished) ask(store, "id 99")).result()).isPresent();
    assertThat(((ClaimOutcome.Finished) ask(store, "last")).result()).isPresent();
  }

  /** A million pieces of work, each asked for twice, in a store that holds a tenth of them. */
  @Test
  void U3_aMillionKeys_noneIsFinishedThatWasNotCompleted() {
    int keys = 1_000_000;
    InMemoryDedupStore store = store(keys / 10);
    int falsePositives = 0;
    int recognised = 0;
    for (int i = 0; i < keys; i++) {
      DedupKey key = DedupKey.of("tenant", Integer.toString(i));
      Claim claim = Claim.on(key);
      if (!(store.claim(claim, MINUTE).join() instanceof ClaimOutcome.Granted)) {
        falsePositives++;
      }
      // Of every other one only; the rest is given up and must not be taken for finished.
      if (i % 2 == 0) {
        store.complete(claim, null, HOUR).join();
      } else {
        store.release(claim).join();
      }
      boolean finished =
          store.claim(Claim.on(key), Duration.ofNanos(1)).join() instanceof ClaimOutcome.Finished;
      if (finished && i % 2 == 1) {
        falsePositives++;
      }
      if (finished && i % 2 == 0) {
        recognised++;
      }
      time.advance(Duration.ofNanos(1));
    }
    assertThat(falsePositives).isZero();
    assertThat(recognised).isEqualTo(keys / 2);
    assertThat(store.size()).isEqualTo(keys / 10);
  }

  @Test
  void settingsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> InMemoryDedupStore.builder().maxEntries(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> InMemoryDedupStore.builder().maxResultBytes(-1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
