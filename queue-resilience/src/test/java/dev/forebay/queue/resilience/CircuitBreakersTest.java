package dev.forebay.queue.resilience;

import static dev.forebay.queue.worker.BreakerState.CLOSED;
import static dev.forebay.queue.worker.BreakerState.HALF_OPEN;
import static dev.forebay.queue.worker.BreakerState.OPEN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.BreakerState;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** When the breaker of a type opens, is probed and closes, and what takes room (W4). */
class CircuitBreakersTest {

  private static final Duration WAIT = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final String CHAT = "chat";

  private final ManualTimeSource time = new ManualTimeSource();
  private final CircuitBreakers breakers = CircuitBreakers.builder().time(time).build();
  private final List<String> heard = new CopyOnWriteArrayList<>();

  private void fail(CircuitBreakers of, String type, int times) {
    for (int i = 0; i < times; i++) {
      assertThat(of.tryStart(type)).isTrue();
      of.failed(type, SHORT);
    }
  }

  private void fail(int times) {
    fail(breakers, CHAT, times);
  }

  private void succeed() {
    assertThat(breakers.tryStart(CHAT)).isTrue();
    breakers.succeeded(CHAT, SHORT);
  }

  private void waitForTheProbe() {
    time.advance(WAIT.plusMillis(1));
  }

  private void listen(CircuitBreakers to) {
    to.onChange((type, state) -> heard.add(type + " " + state));
  }

  @Test
  void W4_fiveFailuresInARowOpen() {
    fail(4);
    assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
    fail(1);
    assertThat(breakers.state(CHAT)).isEqualTo(OPEN);
    assertThat(breakers.tryStart(CHAT)).isFalse();
    assertThat(breakers.tryStart("summary")).as("other types").isTrue();
    assertThat(breakers.state("summary")).isEqualTo(CLOSED);
  }

  @Test
  void W4_aSuccessEndsTheRow() {
    for (int row = 0; row < 50; row++) {
      fail(4);
      succeed();
      assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
    }
    fail(4);
    assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
    fail(1);
    assertThat(breakers.state(CHAT)).isEqualTo(OPEN);
  }

  @Test
  void W4_whatSaysNothingNeitherCountsNorEndsTheRow() {
    for (int i = 0; i < 4; i++) {
      fail(1);
      for (int j = 0; j < 3; j++) {
        assertThat(breakers.tryStart(CHAT)).isTrue();
        breakers.cancelled(CHAT, SHORT);
      }
    }
    assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
    fail(1);
    assertThat(breakers.state(CHAT)).isEqualTo(OPEN);
  }

  @Test
  void W4_afterTheWaitOneMessageIsTheProbeAndItsSuccessCloses() {
    listen(breakers);
    fail(5);
    time.advance(WAIT);
    assertThat(breakers.tryStart(CHAT)).as("not before the wait is over").isFalse();
    time.advance(Duration.ofMillis(1));
    assertThat(breakers.state(CHAT)).as("until there is a message").isEqualTo(OPEN);
    assertThat(breakers.tryStart(CHAT)).isTrue();
    assertThat(breakers.state(CHAT)).isEqualTo(HALF_OPEN);
    assertThat(breakers.tryStart(CHAT)).as("one is enough").isFalse();
    breakers.succeeded(CHAT, SHORT);
    assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
    fail(4);
    assertThat(breakers.state(CHAT)).as("counts anew").isEqualTo(CLOSED);
    assertThat(heard).containsExactly("chat OPEN", "chat HALF_OPEN", "chat CLOSED");
  }

  @Test
  void W4_aProbeThatFailsOpensItForAnotherWait() {
    listen(breakers);
    fail(5);
    for (int probe = 0; probe < 3; probe++) {
      waitForTheProbe();
      assertThat(breakers.tryStart(CHAT)).isTrue();
      breakers.failed(CHAT, SHORT);
      assertThat(breakers.tryStart(CHAT)).isFalse();
    }
    assertThat(heard)
        .hasSize(7)
        .startsWith("chat OPEN", "chat HALF_OPEN", "chat OPEN")
        .endsWith("chat OPEN");
  }

  @Test
  void W4_aProbeThatSaysNothingMakesRoomForAnotherOne() {
    fail(5);
    waitForTheProbe();
    for (int probe = 0; probe < 3; probe++) {
      assertThat(breakers.tryStart(CHAT)).isTrue();
      assertThat(breakers.tryStart(CHAT)).isFalse();
      breakers.cancelled(CHAT, SHORT);
    }
    // Of somebody who never was the probe.
    breakers.cancelled(CHAT, SHORT);
    assertThat(breakers.tryStart(CHAT)).isTrue();
    assertThat(breakers.tryStart(CHAT)).isFalse();
    assertThat(breakers.state(CHAT)).isEqualTo(HALF_OPEN);
  }

  @Test
  void W4_aLongSuccessIsASuccess() {
    for (int i = 0; i < 20; i++) {
      assertThat(breakers.tryStart(CHAT)).isTrue();
      time.advance(Duration.ofMinutes(10));
      breakers.succeeded(CHAT, Duration.ofMinutes(10));
    }
    assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
    fail(5);
    waitForTheProbe();
    assertThat(breakers.tryStart(CHAT)).isTrue();
    time.advance(Duration.ofMinutes(10));
    breakers.succeeded(CHAT, Duration.ofMinutes(10));
    assertThat(breakers.state(CHAT)).isEqualTo(CLOSED);
  }

  @Test
  void W4_whatStartedBeforeItOpenedDecidesNothingWhileItIsHalfOpen() {
    for (int i = 0; i < 4; i++) {
      assertThat(breakers.tryStart(CHAT)).isTrue();
    }
    time.advance(SHORT);
    fail(5);
    assertThat(breakers.state(CHAT)).isEqualTo(OPEN);
    Duration gone = WAIT.plusMillis(1).plus(SHORT);
    breakers.succeeded(CHAT, SHORT);
    assertThat(breakers.state(CHAT)).as("a late success does not close it").isEqualTo(OPEN);
    waitForTheProbe();
    assertThat(breakers.tryStart(CHAT)).isTrue();
    breakers.succeeded(CHAT, gone);
    assertThat(breakers.state(CHAT)).isEqualTo(HALF_OPEN);
    breakers.failed(CHAT, gone);
    assertThat(breakers.state(CHAT)).isEqualTo(HALF_OPEN);
    assertThat(breakers.tryStart(CHAT)).as("the probe is still out").isFalse();
    breakers.cancelled(CHAT, gone);
    assertThat(breakers.tryStart(CHAT)).as("no place of the probe's was given back").isFalse();
    time.advance(SHORT);
    breakers.succeeded(CHAT, SHORT);
    assertThat(breakers.state(CHAT)).as("the probe decides").isEqualTo(CLOSED);
  }

  @Test
  void W4_anotherNumberOfFailuresAndAnotherWait() {
    CircuitBreakers one =
        CircuitBreakers.builder().failures(1).probeAfter(Duration.ofMillis(1)).time(time).build();
    fail(one, "", 1);
    assertThat(one.state("")).as("the type of messages without one").isEqualTo(OPEN);
    time.advance(Duration.ofMillis(2));
    assertThat(one.tryStart("")).isTrue();
    one.succeeded("", Duration.ZERO);
    assertThat(one.state("")).isEqualTo(CLOSED);
  }

  @Test
  void W4_onlyTypesThatFailTakeRoom() {
    for (int i = 0; i < 100_000; i++) {
      assertThat(breakers.tryStart("type " + i)).isTrue();
      breakers.succeeded("type " + i, SHORT);
      breakers.cancelled("type " + i, SHORT);
    }
    assertThat(breakers.size()).isZero();
    fail(4);
    assertThat(breakers.size()).isEqualTo(1);
    succeed();
    assertThat(breakers.size()).isZero();
    fail(5);
    waitForTheProbe();
    succeed();
    assertThat(breakers.size()).isZero();
  }

  @Test
  void W4_beyondTheBoundTheLeastRecentlyUsedClosedOneIsForgotten() {
    CircuitBreakers few = CircuitBreakers.builder().maxTypes(3).time(time).build();
    listen(few);
    fail(few, "open", 5);
    time.advance(SHORT);
    fail(few, "old", 4);
    time.advance(SHORT);
    fail(few, "young", 4);
    time.advance(SHORT);
    fail(few, "new", 1);
    assertThat(few.size()).isEqualTo(3);
    assertThat(few.state("open")).isEqualTo(OPEN);
    time.advance(SHORT);
    fail(few, "young", 1);
    assertThat(few.state("young")).as("still knew its four").isEqualTo(OPEN);
    time.advance(SHORT);
    // The new one goes for it.
    fail(few, "old", 1);
    assertThat(few.state("old")).as("had forgotten its four").isEqualTo(CLOSED);
    assertThat(few.size()).isEqualTo(3);
    assertThat(heard).containsExactly("open OPEN", "young OPEN");
  }

  @Test
  void W4_whereAllAreOpenTheLeastRecentlyUsedIsForgottenAndSaidToBeClosed() {
    CircuitBreakers few = CircuitBreakers.builder().maxTypes(2).time(time).build();
    fail(few, "a", 5);
    time.advance(SHORT);
    fail(few, "b", 5);
    time.advance(SHORT);
    assertThat(few.tryStart("a")).as("used again").isFalse();
    listen(few);
    time.advance(SHORT);
    fail(few, "c", 5);
    assertThat(heard).containsExactlyInAnyOrder("a OPEN", "b OPEN", "b CLOSED", "c OPEN");
    assertThat(few.size()).isEqualTo(2);
    assertThat(few.state("b")).isEqualTo(CLOSED);
    assertThat(few.tryStart("b")).isTrue();
    assertThat(few.state("a")).isEqualTo(OPEN);
    for (int i = 0; i < 10_000; i++) {
      fail(few, "type " + i, 1);
      assertThat(few.size()).isLessThanOrEqualTo(2);
    }
  }

  @Test
  void W4_aListenerThatFailsHarmsNobodyAndAForgottenOneHearsNothing() {
    BiConsumer<String, BreakerState> broken =
        (type, state) -> {
          throw new IllegalStateException("made up");
        };
    BiConsumer<String, BreakerState> gone = (type, state) -> heard.add("gone");
    breakers.onChange(broken);
    breakers.onChange(gone);
    breakers.forget(gone);
    breakers.forget(gone);
    listen(breakers);
    fail(5);
    assertThat(heard).containsExactly("chat OPEN");
    assertThat(breakers.tryStart(CHAT)).isFalse();
  }

  @Test
  void S1_breakersHaveNoThreads() {
    fail(5);
    waitForTheProbe();
    succeed();
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.contains("CircuitBreaker"));
  }

  @Test
  void S2_settingsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> CircuitBreakers.builder().failures(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> CircuitBreakers.builder().failures(10_001))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> CircuitBreakers.builder().probeAfter(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> CircuitBreakers.builder().probeAfter(Duration.ofDays(366)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> CircuitBreakers.builder().maxTypes(0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
