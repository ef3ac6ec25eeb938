package dev.forebay.queue.dedup;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/**
 * Two claims on each of two keys in a store with room for two entries, while time goes by: every
 * interleaving answers as some order of the calls would.
 */
@Param(name = "key", gen = IntGen.class, conf = "0:1")
@Param(name = "claim", gen = IntGen.class, conf = "0:1")
public class InMemoryDedupStoreLincheckTest {

  private static final DedupKey[] KEYS = {DedupKey.of("0"), DedupKey.of("1")};
  private static final Duration TERM = Duration.ofNanos(2);
  private static final Duration RETENTION = Duration.ofNanos(3);

  private final AtomicLong now = new AtomicLong();

  private final InMemoryDedupStore store =
      InMemoryDedupStore.builder()
          .maxEntries(2)
          .time(
              new TimeSource() {
                @Override
                public Instant now() {
                  throw new UnsupportedOperationException("The store needs no wall clock.");
                }

                @Override
                public long nanoTime() {
                  return now.get();
                }

                @Override
                public Timer schedule(Duration delay, Runnable task) {
                  throw new UnsupportedOperationException("The store needs no timer.");
                }
              })
          .build();

  private static Claim claimOf(int key, int claim) {
    return new Claim(KEYS[key], new UUID(0, claim));
  }

  @Operation
  public String claim(@Param(name = "key") int key, @Param(name = "claim") int claim) {
    try {
      return store.claim(claimOf(key, claim), TERM).join().toString();
    } catch (CompletionException e) {
      return "full";
    }
  }

  @Operation
  public boolean extend(@Param(name = "key") int key, @Param(name = "claim") int claim) {
    return store.extend(claimOf(key, claim), TERM).join();
  }

  @Operation
  public boolean complete(@Param(name = "key") int key, @Param(name = "claim") int claim) {
    return store.complete(claimOf(key, claim), null, RETENTION).join();
  }

  @Operation
  public boolean release(@Param(name = "key") int key, @Param(name = "claim") int claim) {
    return store.release(claimOf(key, claim)).join();
  }

  @Operation
  public void timeGoesBy() {
    now.incrementAndGet();
  }

  @Test
  void U2_everyInterleavingIsLinearizable() {
    new ModelCheckingOptions()
        .iterations(Integer.getInteger("forebay.lincheck.iterations", 8))
        .invocationsPerIteration(Integer.getInteger("forebay.lincheck.invocations", 200))
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        .check(InMemoryDedupStoreLincheckTest.class);
  }
}
