package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.time.SystemTimeSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One queue of a broker, and as many objects to use it as there are processes to play. */
interface Backend extends AutoCloseable {

  /** Starts what is needed for the queue of this name; slow, where a server has to start. */
  static Backend start(String name, TimeOuts timeOuts) {
    return switch (name) {
      case "memory" -> new MemoryBackend(timeOuts, SystemTimeSource.get());
      case "sqs" -> SqsBackend.start(timeOuts);
      case "kafka" -> KafkaBackend.start(timeOuts);
      default -> throw new IllegalArgumentException("unknown queue: " + name);
    };
  }

  /** Opens one more object on the queue; the caller closes it before this backend. */
  WorkQueue open();

  /** Calls to the broker's API since {@link #resetApiCalls}, or null where they do not count. */
  @Nullable Long apiCalls();

  /** Starts to count from zero. */
  void resetApiCalls();

  /** What runs, and where it departs from the common time-outs, a sentence each. */
  List<String> notes();

  /** Which time-outs are longer here than the common ones. */
  default List<Floor> floors() {
    return List.of();
  }

  /** Ends what this backend started for itself. */
  @Override
  void close();
}
