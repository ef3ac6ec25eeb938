package dev.forebay.queue.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Envelope;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class EntryHeapTest {

  @Test
  void behavesLikeASortedSetUnderRandomUse() {
    Random random = new Random(7);
    EntryHeap heap = EntryHeap.byDueTime();
    TreeSet<Entry> model =
        new TreeSet<>(
            Comparator.<Entry>comparingLong(entry -> entry.dueNanos)
                .thenComparingLong(entry -> entry.sequence));
    List<Entry> inside = new ArrayList<>();
    for (int step = 0; step < 50_000; step++) {
      if (inside.isEmpty() || random.nextInt(5) < (step < 25_000 ? 3 : 2)) {
        Entry entry =
            new Entry(
                step,
                Envelope.fresh("m", Message.text(""), Instant.EPOCH),
                0,
                random.nextInt(1_000));
        heap.add(entry);
        model.add(entry);
        inside.add(entry);
      } else {
        Entry leaving =
            random.nextBoolean() ? heap.first() : inside.get(random.nextInt(inside.size()));
        heap.remove(leaving);
        heap.remove(leaving);
        model.remove(leaving);
        inside.remove(leaving);
      }
      assertThat(heap.first()).isSameAs(model.isEmpty() ? null : model.first());
    }
    List<Entry> visited = new ArrayList<>();
    heap.forEach(visited::add);
    assertThat(visited).containsExactlyInAnyOrderElementsOf(inside);
  }
}
