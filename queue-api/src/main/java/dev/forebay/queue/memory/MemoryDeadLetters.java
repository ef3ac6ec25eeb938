package dev.forebay.queue.memory;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.spi.DeadLetterStore;
import dev.forebay.queue.spi.Envelope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The dead letters of an in-memory queue, oldest first. A walk sees those that were there and under
 * no lease when it began; one that somebody took since then is not moved. Thread-safe.
 */
final class MemoryDeadLetters implements DeadLetterStore {

  /** Calls are cheap, so this only says how often progress is told. */
  private static final int BATCH = 100;

  private final InMemoryStore store;
  private final StoredQueue source;
  private final StoredQueue dead;
  private final String name;

  /**
   * Moves from {@code dead} to {@code source}.
   *
   * @param name the source's name, where what died is not known to have come from elsewhere
   */
  MemoryDeadLetters(InMemoryStore store, StoredQueue source, StoredQueue dead, String name) {
    this.store = store;
    this.source = source;
    this.dead = dead;
    this.name = name;
  }

  @Override
  public int batch() {
    return BATCH;
  }

  @Override
  public Walk walk() {
    return new MemoryWalk(dead.idle(name));
  }

  /** A message that lies in the dead letters. */
  record Idle(Entry entry, Envelope envelope) implements Found {

    /** This, with a cause if it has none: somebody enqueued it here by hand. */
    Idle asDeadLetterOf(String origin) {
      if (envelope.deadLetter() != null) {
        return this;
      }
      DeadLetter letter =
          new DeadLetter(
              new DeadLetterCause("", "Enqueued here, not dead-lettered."),
              envelope.attempts(),
              envelope.enqueuedAt(),
              origin,
              envelope.redrives());
      return new Idle(entry, envelope.withDeadLetter(letter));
    }
  }

  private final class MemoryWalk implements Walk {
    private final List<Idle> all;
    private int at;

    MemoryWalk(List<Idle> all) {
      this.all = all;
    }

    @Override
    public List<Found> next(int max) {
      List<Found> some = new ArrayList<>(all.subList(at, Math.min(all.size(), at + max)));
      at += some.size();
      return some;
    }

    @Override
    public boolean cut() {
      return false;
    }

    @Override
    public CompletableFuture<Optional<EnqueueOutcome.Failed>> redrive(Found found) {
      Idle idle = (Idle) found;
      // Nobody else ever holds the locks of two queues, so this one keeps them in no wrong order.
      synchronized (store.redriving()) {
        return done(dead.withdraw(idle.entry(), () -> source.add(idle.envelope().redriven())));
      }
    }

    @Override
    public CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(Found found) {
      return done(dead.withdraw(((Idle) found).entry(), Optional::empty));
    }

    private static CompletableFuture<Optional<EnqueueOutcome.Failed>> done(
        Optional<EnqueueOutcome.Failed> result) {
      return CompletableFuture.completedFuture(result);
    }

    @Override
    public void close() {}
  }
}
