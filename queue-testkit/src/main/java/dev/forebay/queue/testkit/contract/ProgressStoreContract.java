package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.progress.ProgressStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * What every {@link ProgressStore} must keep, as tests of one implementation.
 *
 * <pre>{@code
 * class MyStoreContractTest extends ProgressStoreContract {
 *   @Override protected ProgressStoreHarness harness() { return new MyStoreHarness(); }
 * }
 * }</pre>
 */
@Execution(ExecutionMode.CONCURRENT)
public abstract class ProgressStoreContract {

  /** Longer than a test takes even on a machine that stalls. */
  private static final Duration LONG = Duration.ofMinutes(10);

  private static final Duration SHORT = Duration.ofMillis(200);

  private ProgressStoreHarness harness;
  private ProgressStore store;
  private ProgressStore other;
  private DedupKey key;

  /** For subclasses, one per implementation. */
  @SuppressWarnings("NullAway.Init") // JUnit calls open first.
  protected ProgressStoreContract() {}

  /** How to open stores. Called once for each test. */
  protected abstract ProgressStoreHarness harness();

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

  private static byte[] bytes(int... values) {
    byte[] out = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      out[i] = (byte) values[i];
    }
    return out;
  }

  private boolean save(ProgressStore by, long token, int... progress) {
    return get(by.save(key, token, bytes(progress), LONG));
  }

  private void assertHolds(ProgressStore by, long token, int... progress) {
    assertThat(get(by.load(key, token)))
        .hasValueSatisfying(kept -> assertThat(kept).isEqualTo(bytes(progress)));
  }

  private void assertEmpty(ProgressStore by, long token) {
    assertThat(get(by.load(key, token))).isEmpty();
  }

  private void passShort() {
    harness.timing().pass(SHORT.plus(harness.timing().granularity()).plusMillis(1));
  }

  @Test
  void nothingSaved_isEmptyAndNothingToClear() {
    assertEmpty(store, 5);
    assertThat(get(store.clear(key, 5))).isFalse();
  }

  @Test
  void saved_isReadByAll_theLastOneCounts() {
    assertThat(save(store, 5, 1)).isTrue();
    assertThat(save(store, 5, 2, 3)).isTrue();
    assertHolds(store, 5, 2, 3);
    assertHolds(other, 6, 2, 3);
  }

  @Test
  void everyByteAndEverySize_comesBackAsItWas() {
    byte[] largest = new byte[ProgressStore.MAX_BYTES];
    for (int i = 0; i < largest.length; i++) {
      largest[i] = (byte) i;
    }
    for (byte[] progress : List.of(largest, new byte[0], bytes(0), bytes('1', '2'))) {
      assertThat(get(store.save(key, 5, progress, LONG))).isTrue();
      assertThat(get(other.load(key, 5)))
          .hasValueSatisfying(kept -> assertThat(kept).isEqualTo(progress));
    }
  }

  @Test
  void keysAreTheirOwn() {
    assertThat(save(store, 5, 1)).isTrue();
    key = freshKey("another");
    assertEmpty(store, 5);
  }

  @Test
  void aLaterAttempt_replacesAnEarlierOnes() {
    assertThat(save(store, 5, 1)).isTrue();
    assertThat(save(other, 6, 2)).isTrue();
    assertHolds(store, 6, 2);
  }

  @Test
  void anEarlierAttempt_neverReplacesOrClearsALaterOnes() {
    assertThat(save(store, 6, 2)).isTrue();
    assertThat(save(other, 5, 1)).isFalse();
    assertThat(get(other.clear(key, 5))).isFalse();
    assertHolds(store, 6, 2);
  }

  @Test
  void anEarlierAttempt_neverChangesWhatALaterOneHasRead() {
    assertThat(save(store, 5, 1)).isTrue();
    assertHolds(other, 6, 1);
    assertThat(save(store, 5, 9)).isFalse();
    assertThat(get(store.clear(key, 5))).isFalse();
    assertHolds(other, 6, 1);
    assertThat(save(other, 6, 2)).isTrue();
  }

  @Test
  void anEarlierAttempt_mayStillReadAndTakesNothingAwayByThat() {
    assertThat(save(store, 6, 2)).isTrue();
    assertHolds(other, 5, 2);
    assertThat(save(other, 5, 1)).isFalse();
    assertThat(save(store, 6, 3)).isTrue();
    assertHolds(store, 6, 3);
  }

  @Test
  void cleared_isGoneForAll() {
    assertThat(save(store, 5, 1)).isTrue();
    assertThat(get(other.clear(key, 6))).isTrue();
    assertEmpty(store, 6);
    assertThat(get(store.clear(key, 6))).isFalse();
    assertThat(save(store, 7, 1)).isTrue();
    assertHolds(other, 7, 1);
  }

  /** Tokens are any long: SQS's are above what a double holds exactly, others begin at zero. */
  @Test
  void tokens_areComparedAsTheNumbersTheyAre() {
    long[] ascending = {
      Long.MIN_VALUE,
      -1,
      0,
      1,
      9,
      10,
      99,
      (1L << 53),
      (1L << 53) + 1,
      123_456_789_012_345_678L,
      123_456_789_012_345_679L,
      Long.MAX_VALUE - 1,
      Long.MAX_VALUE
    };
    int number = 0;
    for (long token : ascending) {
      number++;
      assertThat(save(store, token, number)).as("%d", token).isTrue();
      for (long earlier : LongStream.of(ascending).filter(each -> each < token).toArray()) {
        assertThat(save(other, earlier, 100)).as("%d after %d", earlier, token).isFalse();
      }
      assertHolds(other, token, number);
    }
  }

  @Test
  void afterItsRetention_itIsForgotten() {
    assertThat(get(store.save(key, 5, bytes(1), SHORT))).isTrue();
    passShort();
    assertEmpty(store, 5);
    assertThat(get(store.clear(key, 5))).isFalse();
    assertThat(save(other, 4, 2)).as("and with it who had saved it").isTrue();
  }

  @Test
  void aReadDoesNotChangeTheRetention_anotherSaveDoes() {
    assertThat(get(store.save(key, 5, bytes(1), SHORT))).isTrue();
    other.load(key, 6).join();
    passShort();
    assertEmpty(store, 6);
    assertThat(get(store.save(key, 7, bytes(1), SHORT))).isTrue();
    assertThat(save(store, 7, 2)).isTrue();
    passShort();
    assertHolds(store, 7, 2);
  }

  /** Of several at once the largest token's is there in the end. */
  @Test
  void rivals_theLatestAttemptWins() {
    for (int round = 0; round < 10; round++) {
      key = freshKey("round " + round);
      List<CompletableFuture<Boolean>> rivals = new ArrayList<>();
      for (int token = 1; token <= 20; token++) {
        ProgressStore by = token % 2 == 0 ? store : other;
        rivals.add(by.save(key, token, bytes(token), LONG));
      }
      rivals.forEach(ProgressStoreContract::get);
      assertThat(get(rivals.get(19))).isTrue();
      assertHolds(store, 20, 20);
    }
  }

  @Test
  void whatMakesNoSense_isRefused() {
    for (Duration wrong : List.of(Duration.ZERO, Duration.ofMillis(-1))) {
      assertThatThrownBy(() -> store.save(key, 5, bytes(1), wrong))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> store.save(key, 5, new byte[ProgressStore.MAX_BYTES + 1], LONG))
        .isInstanceOf(IllegalArgumentException.class);
    assertEmpty(store, 5);
  }

  /** Nanoseconds end; centuries do not overflow. */
  @Test
  void retentionsAtTheEnds_holdWhatTheySay() {
    assertThat(get(store.save(key, 5, bytes(1), Duration.ofNanos(1)))).isTrue();
    passShort();
    assertEmpty(store, 5);
    assertThat(get(store.save(key, 5, bytes(1), Duration.ofDays(1_000_000)))).isTrue();
    passShort();
    assertHolds(store, 5, 1);
  }
}
