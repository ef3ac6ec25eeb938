package dev.forebay.queue.worker;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * First come, first served, as many at a time as there are: the slots bound them at intake. Without
 * a lock, since this is the line of most workers. Thread-safe.
 */
final class FifoLine implements Line {

  private final Queue<Run> waiting = new ConcurrentLinkedQueue<>();

  @Override
  public void add(List<Run> runs) {
    waiting.addAll(runs);
  }

  @Override
  public @Nullable Task poll() {
    return waiting.poll();
  }

  @Override
  public boolean hasStartable() {
    return !waiting.isEmpty();
  }

  @Override
  public void ended(Task task) {}

  @Override
  public List<Run> withdraw() {
    List<Run> out = new ArrayList<>();
    for (Run run = waiting.poll(); run != null; run = waiting.poll()) {
      out.add(run);
    }
    return out;
  }

  @Override
  public boolean isEmpty() {
    return waiting.isEmpty();
  }

  @Override
  public void forEach(Consumer<Run> action) {
    waiting.forEach(action);
  }
}
