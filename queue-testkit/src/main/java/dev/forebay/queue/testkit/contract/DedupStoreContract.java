package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * What every {@link DedupStore} must keep (U2, U3), as tests of one implementation.
 *
 * <pre>{@code
 * class MyStoreContractTest extends DedupStoreContract {
 *   @Override protected DedupStoreHarness harness() { return new MyStoreHarness(); }
 * }
 * }</pre>
 */
@Execution(ExecutionMode.CONCURRENT)
public abstract class DedupStoreContract {

  /** Longer than a test takes even on a machine that stalls. */
  private static final Duration LONG = Duration.ofMinutes(10);

  /** For tests that wait for its end; those that must act before it get {@link #SAFE}. */
  private static final Duration SHORT = Duration.ofMillis(200);

  private static final Duration SAFE = Duration.ofSeconds(6);

  private DedupStoreHarness harness;
  private DedupStore store;
  private DedupStore other;
  private DedupKey key;

  /** For subclasses, one per implementation. */
  @SuppressWarnings("NullAway.Init") // JUnit calls open first.
  protected DedupStoreContract() {}

  /** How to open stores. Called once for each test. */
  protected abstract DedupStoreHarness harness();

  @BeforeEach
  final void open() {
    harness = harness();
    store = harness.open();
    other = harness.open();
    key = freshKey("work");
  }

  @AfterEach
  final void close() {
    harness.close();
  }

  private static DedupKey freshKey(String what) {
    return DedupKey.of(what, UUID.randomUUID().toString());
  }

  private static <T> T get(CompletableFuture<T> future) {
    return future.orTimeout(30, TimeUnit.SECONDS).join();
  }

  private Claim granted(DedupStore by, Duration term) {
    Claim claim = Claim.on(key);
    assertThat(get(by.claim(claim, term))).isInstanceOf(ClaimOutcome.Granted.class);
    return claim;
  }

  private ClaimOutcome ask(DedupStore by) {
    return get(by.claim(Claim.on(key), LONG));
  }

  private void assertFinished(DedupStore by, byte... result) {
    assertThat(ask(by))
        .isInstanceOfSatisfying(
            ClaimOutcome.Finished.class,
            finished ->
                assertThat(finished.result())
                    .hasValueSatisfying(kept -> assertThat(kept).isEqualTo(result)));
  }

  /** Enough for everything short to have ended. */
  private void passShort() {
    harness.timing().pass(SHORT.plus(harness.timing().granularity()).plusMillis(1));
  }

  @Test
  void U2_claim_isGrantedToOneAndSaysHowLong() {
    granted(store, LONG);
    for (DedupStore any : List.of(store, other)) {
      assertThat(ask(any))
          .isInstanceOfSatisfying(
              ClaimOutcome.InProgress.class,
              claimed -> assertThat(claimed.remaining()).isBetween(Duration.ofMinutes(5), LONG));
    }
  }

  @Test
  void U2_rivals_oneIsGranted() {
    int rounds = 20;
    for (int round = 0; round < rounds; round++) {
      key = freshKey("round " + round);
      List<Background<ClaimOutcome>> rivals = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        DedupStore by = i % 2 == 0 ? store : other;
        DedupKey contested = key;
        rivals.add(
            Background.start(
                harness.timing(), "rival", () -> get(by.claim(Claim.on(contested), LONG))));
      }
      assertThat(rivals.stream().map(Background::result))
          .filteredOn(ClaimOutcome.Granted.class::isInstance)
          .hasSize(1);
    }
  }

  @Test
  void U2_completed_isFinishedForAll() {
    Claim claim = granted(store, LONG);
    assertThat(get(store.complete(claim, null, LONG))).isTrue();
    for (DedupStore any : List.of(store, other)) {
      assertThat(ask(any))
          .isInstanceOfSatisfying(
              ClaimOutcome.Finished.class, finished -> assertThat(finished.result()).isEmpty());
    }
  }

  @Test
  void U2_result_comesBackByteForByte() {
    byte[] every = new byte[256];
    for (int i = 0; i < every.length; i++) {
      every[i] = (byte) i;
    }
    assertThat(get(store.complete(granted(store, LONG), every, LONG))).isTrue();
    assertFinished(store, every);
    assertFinished(other, every);
  }

  @Test
  void U2_emptyResult_isNotNone() {
    assertThat(get(store.complete(granted(store, LONG), new byte[0], LONG))).isTrue();
    assertFinished(other);
  }

  @Test
  void U2_completionIsRepeated_saysTheSame() {
    Claim claim = granted(store, LONG);
    byte[] first = "first".getBytes(StandardCharsets.UTF_8);
    assertThat(get(store.complete(claim, first, LONG))).isTrue();
    assertThat(get(other.complete(claim, null, LONG))).isTrue();
    assertFinished(store, first);
  }

  @Test
  void U2_claimIsRepeated_isGrantedAgainWithANewTerm() {
    Claim claim = granted(store, SAFE);
    assertThat(get(other.claim(claim, LONG))).isInstanceOf(ClaimOutcome.Granted.class);
    assertThat(ask(store))
        .isInstanceOfSatisfying(
            ClaimOutcome.InProgress.class,
            claimed -> assertThat(claimed.remaining()).isGreaterThan(SAFE));
  }

  @Test
  void U2_released_isFreeAtOnce() {
    Claim claim = granted(store, LONG);
    assertThat(get(store.release(claim))).isTrue();
    assertThat(get(store.release(claim))).isFalse();
    granted(other, LONG);
  }

  /** A crash between claim and complete: nobody gives the claim up. */
  @Test
  void U2_claimThatEnds_isFreeForOthers() {
    granted(store, SHORT);
    passShort();
    Claim next = granted(other, LONG);
    assertThat(ask(store)).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThat(get(other.complete(next, null, LONG))).isTrue();
    assertThat(ask(store)).isInstanceOf(ClaimOutcome.Finished.class);
  }

  @Test
  void U2_extendedClaim_outlivesItsTerm() {
    Claim claim = granted(store, SAFE);
    assertThat(get(store.extend(claim, LONG))).isTrue();
    harness.timing().pass(SAFE.plusMillis(50));
    assertThat(ask(other)).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThat(get(store.complete(claim, null, LONG))).isTrue();
  }

  @Test
  void U2_shortenedClaim_endsSooner() {
    Claim claim = granted(store, LONG);
    assertThat(get(store.extend(claim, SHORT))).isTrue();
    passShort();
    granted(other, LONG);
  }

  @Test
  void U2_lateCalls_ofAClaimThatEnded_areRefused() {
    Claim late = granted(store, SHORT);
    passShort();
    assertThat(get(store.extend(late, LONG))).isFalse();
    assertThat(get(store.complete(late, null, LONG))).isFalse();
    assertThat(get(store.release(late))).isFalse();
    granted(store, LONG);
  }

  @Test
  void U2_lateCalls_whileAnotherHoldsTheWork_changeNothing() {
    Claim late = granted(store, SHORT);
    passShort();
    Claim holder = granted(other, LONG);
    assertThat(get(store.extend(late, SHORT))).isFalse();
    assertThat(get(store.release(late))).isFalse();
    assertThat(get(store.complete(late, new byte[] {1}, LONG))).isFalse();
    passShort();
    assertThat(ask(store)).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThat(get(other.complete(holder, new byte[] {2}, LONG))).isTrue();
    assertThat(get(store.complete(late, new byte[] {1}, LONG))).isFalse();
    assertFinished(store, (byte) 2);
  }

  @Test
  void U2_callsOfAFinishedClaim_changeNothing() {
    Claim claim = granted(store, LONG);
    assertThat(get(store.complete(claim, null, LONG))).isTrue();
    assertThat(get(store.extend(claim, SHORT))).isFalse();
    assertThat(get(store.release(claim))).isFalse();
    passShort();
    assertThat(get(store.claim(claim, LONG))).isInstanceOf(ClaimOutcome.Finished.class);
  }

  @Test
  void U2_afterItsRetention_aCompletionIsForgotten() {
    assertThat(get(store.complete(granted(store, LONG), new byte[] {1}, SHORT))).isTrue();
    passShort();
    Claim again = granted(other, LONG);
    assertThat(get(other.complete(again, new byte[] {2}, LONG))).isTrue();
    assertFinished(store, (byte) 2);
  }

  @Test
  void U3_workThatNobodyClaimed_cannotBeCompleted() {
    assertThat(get(store.complete(Claim.on(key), null, LONG))).isFalse();
    granted(store, LONG);
  }

  @Test
  void U3_keysThatLookAlike_neverMeet() {
    String unique = UUID.randomUUID().toString();
    List<DedupKey> keys =
        List.of(
            DedupKey.of(unique, "ab", "c"),
            DedupKey.of(unique, "a", "bc"),
            DedupKey.of(unique, "abc"),
            DedupKey.of(unique, "abc", ""),
            DedupKey.of(unique, "", "abc"),
            DedupKey.of(unique + "abc"),
            DedupKey.of(unique, "ABC"),
            DedupKey.of(unique, "abc\u0000"),
            DedupKey.of(unique, "\ud800"),
            DedupKey.of(unique, "\ud801"),
            DedupKey.of(unique, "?"));
    for (DedupKey each : keys) {
      key = each;
      assertThat(get(store.complete(granted(store, LONG), null, LONG))).isTrue();
    }
  }

  /** None of the second half is taken for finished because the first half is. */
  @Test
  void U3_manyKeys_noneIsFinishedThatWasNotCompleted() {
    int half = 2_000;
    List<CompletableFuture<ClaimOutcome>> outcomes = new ArrayList<>();
    String unique = UUID.randomUUID().toString();
    for (int i = 0; i < half; i++) {
      Claim claim = Claim.on(DedupKey.of(unique, "finished", Integer.toString(i)));
      outcomes.add(store.claim(claim, LONG));
      outcomes.get(i).thenCompose(granted -> store.complete(claim, null, LONG)).join();
    }
    for (int i = 0; i < half; i++) {
      outcomes.add(other.claim(Claim.on(DedupKey.of(unique, "fresh", Integer.toString(i))), LONG));
    }
    assertThat(outcomes)
        .extracting(CompletableFuture::join)
        .allMatch(ClaimOutcome.Granted.class::isInstance);
  }

  @Test
  void U3_termsThatMakeNoSense_areRefused() {
    Claim claim = Claim.on(key);
    for (Duration wrong : List.of(Duration.ZERO, Duration.ofMillis(-1))) {
      assertThatThrownBy(() -> store.claim(claim, wrong))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> store.extend(claim, wrong))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> store.complete(claim, null, wrong))
          .isInstanceOf(IllegalArgumentException.class);
    }
    granted(store, LONG);
  }

  /** Nanoseconds, as short as a claim can be, end; centuries do not overflow. */
  @Test
  void U3_termsAtTheEnds_holdWhatTheySay() {
    granted(store, Duration.ofNanos(1));
    passShort();
    Claim claim = granted(store, Duration.ofDays(1_000_000));
    passShort();
    assertThat(ask(other)).isInstanceOf(ClaimOutcome.InProgress.class);
    assertThat(get(store.complete(claim, null, Duration.ofDays(1_000_000)))).isTrue();
    passShort();
    assertThat(ask(other)).isInstanceOf(ClaimOutcome.Finished.class);
  }
}
