package dev.forebay.queue.progress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Its bounds; what all stores keep is in the testkit's contract. */
class InMemoryProgressStoreTest {

  private static final Duration LONG = Duration.ofHours(1);

  private final ManualTimeSource time = new ManualTimeSource();

  private static DedupKey key(int number) {
    return DedupKey.of("work", Integer.toString(number));
  }

  private static boolean has(ProgressStore store, int number) {
    return store.load(key(number), 1).join().isPresent();
  }

  private static void save(ProgressStore store, int number, int bytes) {
    assertThat(store.save(key(number), 1, new byte[bytes], LONG).join()).isTrue();
  }

  @Test
  void whatWasNotSavedAgainForTheLongestTimeIsForgottenFirst() {
    InMemoryProgressStore store = InMemoryProgressStore.builder().time(time).maxEntries(3).build();
    for (int i = 0; i < 3; i++) {
      save(store, i, 1);
    }
    save(store, 0, 2);
    save(store, 3, 1);
    assertThat(store.size()).isEqualTo(3);
    assertThat(has(store, 1)).isFalse();
    assertThat(has(store, 0)).isTrue();
    assertThat(has(store, 2)).isTrue();
    assertThat(has(store, 3)).isTrue();
  }

  @Test
  void bytesAreBoundedTooAndCountedWhateverBecomesOfThem() {
    int half = ProgressStore.MAX_BYTES / 2;
    InMemoryProgressStore store =
        InMemoryProgressStore.builder().time(time).maxBytes(ProgressStore.MAX_BYTES).build();
    for (int round = 0; round < 3; round++) {
      save(store, 0, half);
      save(store, 0, half);
      save(store, 1, half);
      assertThat(has(store, 0)).as("both fit").isTrue();
      assertThat(store.clear(key(0), 1).join()).isTrue();
      save(store, 2, half);
      assertThat(has(store, 1)).as("one was cleared, so there is room").isTrue();
      time.advance(LONG);
      assertThat(has(store, 1)).isFalse();
      assertThat(has(store, 2)).isFalse();
      assertThat(store.size()).isZero();
    }
    save(store, 0, half);
    save(store, 1, half);
    save(store, 2, 1);
    assertThat(has(store, 0)).isFalse();
    assertThat(has(store, 1)).isTrue();
  }

  @Test
  void boundsThatMakeNoSenseAreRefused() {
    InMemoryProgressStore.Builder builder = InMemoryProgressStore.builder();
    assertThatThrownBy(() -> builder.maxEntries(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.maxBytes(ProgressStore.MAX_BYTES - 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
