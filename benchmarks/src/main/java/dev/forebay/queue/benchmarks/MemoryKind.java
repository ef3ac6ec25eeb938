package dev.forebay.queue.benchmarks;

import dev.forebay.queue.Message;
import java.time.Duration;
import java.util.Locale;

/** What stands in the in-memory queue while it is measured. */
enum MemoryKind {
  /** Messages that could be delivered now. */
  PLAIN {
    @Override
    Message message(long number, int depth) {
      return Message.of(body());
    }
  },
  /** The same with a key, ten messages a key. */
  KEYED {
    @Override
    Message message(long number, int depth) {
      return Message.of(body()).key("key-" + number % Math.max(1, depth / MESSAGES_A_KEY));
    }
  },
  /** Messages of which one more comes due with each operation. */
  DELAYED {
    @Override
    Message message(long number, int depth) {
      return Message.of(body()).delay(Duration.ofMillis(depth));
    }
  };

  private static final int MESSAGES_A_KEY = 10;
  private static final int BODY_BYTES = 100;

  /** The message of this number; enqueued one millisecond after the one before. */
  abstract Message message(long number, int depth);

  static byte[] body() {
    return new byte[BODY_BYTES];
  }

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
