package dev.forebay.queue.loadtest.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class TraceTest {
  private static final Request FIRST = new Request(Duration.ZERO, 1, 1);
  private static final Request SECOND = new Request(Duration.ofSeconds(1), 1, 1);

  @Test
  void first_saysInItsSourceThatItIsAPart() {
    Trace trace = new Trace("t", List.of(FIRST, SECOND));

    assertThat(trace.first(1)).isEqualTo(new Trace("t, first 1 requests", List.of(FIRST)));
    assertThat(trace.first(2)).isSameAs(trace);
  }

  @Test
  void empty_orOutOfOrder_isRefused() {
    assertThatThrownBy(() -> new Trace("t", List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Trace("t", List.of(SECOND, FIRST)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
