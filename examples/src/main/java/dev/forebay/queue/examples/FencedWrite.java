package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * How do I keep a worker that was thought dead from overwriting the result of the one that took
 * over?
 *
 * <p>Write each result together with the delivery's fencing token, and only where no larger token
 * has been written: the store decides, not the worker. In SQL:
 *
 * <pre>{@code
 * UPDATE results SET answer = ?, token = ? WHERE id = ? AND token < ?
 * }</pre>
 *
 * <p>In a handler the token is {@code context.fencingToken()}.
 */
public final class FencedWrite {

  /** A row of the table. */
  record Row(String answer, long token) {}

  private final Map<String, Row> table = new HashMap<>();

  /**
   * The conditional write.
   *
   * @return whether it was made; false for a worker whose message somebody else has taken over
   */
  synchronized boolean write(String id, String answer, long token) {
    Row row = table.get(id);
    if (row != null && row.token() >= token) {
      return false;
    }
    table.put(id, new Row(answer, token));
    return true;
  }

  /** What was written. */
  synchronized String read(String id) {
    return table.getOrDefault(id, new Row("nothing", 0)).answer();
  }

  /** A worker stalls for longer than its lease, another one takes over, the first one wakes up. */
  public static void main(String[] args) {
    FencedWrite results = new FencedWrite();
    ManualTimeSource time = new ManualTimeSource();
    try (WorkQueue queue =
        InMemoryWorkQueue.builder("inference")
            .store(new InMemoryStore(time))
            .lease(Duration.ofSeconds(30))
            .build()) {
      queue.enqueue(Message.text("prompt")).join().orThrow();
      Delivery stalled = queue.poll(Duration.ZERO).orElseThrow();
      time.advance(Duration.ofSeconds(31));
      Delivery takenOver = queue.poll(Duration.ZERO).orElseThrow();

      System.out.println(
          "second worker: "
              + (results.write(takenOver.id(), "fresh", takenOver.fencingToken())
                  ? "written, ack " + takenOver.ack().join()
                  : "refused"));
      System.out.println(
          "first worker: "
              + (results.write(stalled.id(), "stale", stalled.fencingToken())
                  ? "written"
                  : "refused, ack " + stalled.ack().join()));
      System.out.println("the answer is " + results.read(takenOver.id()));
    }
  }
}
