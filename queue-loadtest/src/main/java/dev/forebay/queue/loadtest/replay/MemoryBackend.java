package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.TimeSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The queue inside this process. Thread-safe. */
final class MemoryBackend implements Backend {
  private final TimeOuts timeOuts;
  private final InMemoryStore store;

  MemoryBackend(TimeOuts timeOuts, TimeSource time) {
    this.timeOuts = timeOuts;
    store = new InMemoryStore(time);
  }

  @Override
  public WorkQueue open() {
    return InMemoryWorkQueue.builder("loadtest").store(store).lease(timeOuts.lease()).build();
  }

  @Override
  public @Nullable Long apiCalls() {
    return null;
  }

  @Override
  public void resetApiCalls() {}

  @Override
  public List<String> notes() {
    return List.of("InMemoryWorkQueue: no broker, no network.");
  }

  @Override
  public void close() {}
}
