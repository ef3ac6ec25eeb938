package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.policy.ThrottledException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What a concurrency limit is told, and who hears of it (W6). */
class WorkerLimitTest {

  private final Rig rig = new Rig();

  /** Notes whether each end it was told of was a drop, and works out one more each time. */
  private static final class Notes implements ConcurrencyLimit {
    final List<Boolean> drops = new CopyOnWriteArrayList<>();

    @Override
    public int limit() {
      return 3;
    }

    @Override
    public int estimate() {
      return 10 + drops.size();
    }

    @Override
    public void ended(Duration ran, int running, boolean dropped) {
      drops.add(dropped);
    }
  }

  @Test
  void W6_theLimitIsToldOfWhatSaysSomethingAndListenersOfItsEstimate() {
    Notes limit = new Notes();
    List<Integer> heard = new CopyOnWriteArrayList<>();
    for (String text : List.of("fails", "gives back", "throttled", "done")) {
      rig.enqueue(text);
    }
    try (Worker worker =
        rig.worker()
            .concurrencyLimit(limit)
            .listener(
                new WorkerListener() {
                  @Override
                  public void limitChanged(int estimate) {
                    heard.add(estimate);
                  }
                })
            .deciding(
                (delivery, context) ->
                    switch (delivery.message().text()) {
                      case "fails" -> throw new IOException("made up");
                      case "gives back" ->
                          delivery.attempts().returned() == 0 ? Outcome.giveBack() : Outcome.ack();
                      case "throttled" -> throw new ThrottledException("429", Duration.ofHours(1));
                      default -> Outcome.ack();
                    })
            .start()) {
      rig.awaitStats(
          worker,
          stats ->
              stats.handled() == 2
                  && stats.failed() == 1
                  && stats.throttled() == 1
                  && stats.running() == 0);
      assertThat(worker.concurrencyLimit()).containsSame(limit);
    }
    assertThat(limit.drops).containsExactlyInAnyOrder(true, false, false);
    assertThat(heard).containsExactly(11, 12, 13);
  }
}
