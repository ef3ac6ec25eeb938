package dev.forebay.queue.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.worker.BreakerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * Many threads, more types than there is room for, real time (W4). Lincheck is no help here: it
 * changes the identity hash codes by which Resilience4j finds its transitions.
 */
class CircuitBreakersStressTest {

  private static final int THREADS = 4;
  private static final int CALLS = 20_000;
  private static final int ROOM = 8;
  private static final int TYPES = 20;

  @Test
  void W4_theBoundHoldsAndWhatListenersHeardLastIsTheState() throws Exception {
    CircuitBreakers breakers =
        CircuitBreakers.builder()
            .failures(3)
            .probeAfter(Duration.ofMillis(1))
            .maxTypes(ROOM)
            .time(SystemTimeSource.get())
            .build();
    Map<String, BreakerState> last = new ConcurrentHashMap<>();
    breakers.onChange(last::put);
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    List<Future<Integer>> ends = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      SplittableRandom random = new SplittableRandom(4_711 + thread);
      ends.add(threads.submit(() -> calls(breakers, random)));
    }
    int refused = 0;
    for (Future<Integer> end : ends) {
      refused += end.get();
    }
    threads.shutdown();
    assertThat(refused).as("breakers opened").isPositive();
    assertThat(last).as("and closed again").containsValue(BreakerState.CLOSED);
    for (int type = 0; type < TYPES; type++) {
      String name = "type " + type;
      assertThat(breakers.state(name))
          .as(name)
          .isEqualTo(last.getOrDefault(name, BreakerState.CLOSED));
    }
  }

  private static int calls(CircuitBreakers breakers, SplittableRandom random) {
    int refused = 0;
    for (int i = 0; i < CALLS; i++) {
      String type = "type " + random.nextInt(TYPES);
      if (!breakers.tryStart(type)) {
        refused++;
        continue;
      }
      switch (random.nextInt(4)) {
        case 0 -> breakers.succeeded(type, Duration.ZERO);
        case 1 -> breakers.cancelled(type, Duration.ZERO);
        default -> breakers.failed(type, Duration.ZERO);
      }
      assertThat(breakers.size()).isLessThanOrEqualTo(ROOM);
    }
    return refused;
  }
}
