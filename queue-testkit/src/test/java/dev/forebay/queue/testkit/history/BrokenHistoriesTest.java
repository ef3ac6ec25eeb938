package dev.forebay.queue.testkit.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.testkit.broken.BrokenQueue;
import dev.forebay.queue.testkit.contract.BrokenHarness;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Shows which wrong queues a short random run gives away, and by which rule. */
class BrokenHistoriesTest {

  private static final int MOST_SEEDS = 6;

  /** What a run under a clock that stands still does not do, or a history does not show. */
  private static final Map<BrokenQueue, String> NOT_SEEN =
      Map.ofEntries(
          Map.entry(BrokenQueue.CHOKES_ON_AN_EMPTY_LIST, "nobody enqueues an empty list"),
          Map.entry(BrokenQueue.BELIEVES_FORGED_IDS, "nobody forges an id"),
          Map.entry(BrokenQueue.WAITS_FOR_A_FULL_POLL, "polls do not wait"),
          Map.entry(BrokenQueue.SLEEPS_ON, "polls do not wait"),
          Map.entry(BrokenQueue.SPOILS_BATCHES, "UNKNOWN is never wrong"),
          Map.entry(BrokenQueue.IGNORES_DEAD_LETTER_FILTERS, "nobody filters"),
          Map.entry(BrokenQueue.REDRIVES_WITHOUT_BOUNDS, "nobody redrives"),
          Map.entry(BrokenQueue.LOSES_ON_REDRIVE, "nobody redrives"),
          Map.entry(BrokenQueue.SEES_NO_DEAD_LETTERS, "nobody asks how many there are"),
          Map.entry(BrokenQueue.LEAVES_A_THREAD, "threads are not in a history"),
          Map.entry(BrokenQueue.FORGETS_DEADLINES, "deadlines are not in a history"),
          Map.entry(BrokenQueue.HURRIES_WHEN_INTERRUPTED, "nobody is interrupted"),
          Map.entry(BrokenQueue.BARE_TAKES_DELAYS, "nobody delays where it is not offered"),
          Map.entry(BrokenQueue.BARE_DEDUPS_UNASKED, "nobody dedups where it is not offered"),
          Map.entry(BrokenQueue.BARE_LOSES_ONE_WHEN_ASKED, "nothing is left when it is asked"));

  /** Rules that no check names: how long a call may take, several threads, depth, settings, why. */
  private static final Set<String> NEVER_NAMED =
      Set.of("E5", "P2", "P5", "K2", "S2", "S3", "S4", "W7");

  /** Seen by what comes of it rather than by the fault itself. */
  private static final Map<BrokenQueue, String> SEEN_BY =
      Map.of(
          // Said to be stored, and never delivered.
          BrokenQueue.SWALLOWS_ENQUEUE_ERRORS, "E1",
          // Polls that do not wait are seen where they should: after close.
          BrokenQueue.NEVER_WAITS, "S1",
          // A look finds it changed.
          BrokenQueue.LISTS_HALF_OF_A_DEAD_LETTER, "D2",
          // What was dropped comes back by its lease, too late.
          BrokenQueue.DROPS_ITS_BUFFER_AT_CLOSE, "P4",
          // Given back, and not seen again.
          BrokenQueue.BARE_LOSES_RETURNS, "R1",
          // Keys are no reason to wait.
          BrokenQueue.BARE_HOLDS_KEYS_UP, "K3");

  @ParameterizedTest
  @EnumSource
  void brokenQueue_isNamedByItsRule(BrokenQueue broken) {
    Set<String> wanted =
        SEEN_BY.containsKey(broken)
            ? Set.of(SEEN_BY.get(broken))
            : broken.rules().stream().collect(Collectors.toSet());
    boolean notSeen = NOT_SEEN.containsKey(broken) || NEVER_NAMED.containsAll(broken.rules());
    Set<String> found = new TreeSet<>();
    for (int seed = 1; seed <= MOST_SEEDS; seed++) {
      Verdict verdict =
          Workload.on(new BrokenHarness(broken)).seed(seed).messages(250).run().verdict();
      found.addAll(verdict.rules());
      if (notSeen) {
        assertThat(verdict.isGood()).as("%s: %s", broken, verdict).isTrue();
        if (!broken.isRight()) {
          return;
        }
      } else if (wanted.stream().anyMatch(found::contains)) {
        assertThat(verdict.toString()).contains("violations in");
        return;
      }
    }
    if (!notSeen) {
      assertThat(found).as("rules that %s breaks", broken).containsAnyElementsOf(wanted);
    }
  }
}
