package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One thread's worth of random producing and consuming. Used by one thread at a time. */
final class Actor {

  private static final int HANDS = 4;
  private static final int MOST_PENDING = 32;
  private static final int LAST_ATTEMPT = 5;
  private static final int RECENT_IDS = 8;

  private final Cast cast;
  private final Cast.Seat seat;
  private final SplittableRandom random;
  private final List<Delivery> held = new ArrayList<>();
  private final List<Delivery> forgotten = new ArrayList<>();
  private final ArrayDeque<CompletableFuture<?>> pending = new ArrayDeque<>();
  private final ArrayDeque<String> recentIds = new ArrayDeque<>();

  Actor(Cast cast, Cast.Seat seat, SplittableRandom random) {
    this.cast = cast;
    this.seat = seat;
    this.random = random;
  }

  /** Does one thing. */
  void step() {
    WorkQueue queue = seat.queue;
    held.removeIf(delivery -> cast.dead.contains(delivery.queue()));
    forgotten.removeIf(delivery -> cast.dead.contains(delivery.queue()));
    try {
      int choice = random.nextInt(100);
      if (seat.closing) {
        settleWhileClosing();
      } else if (!cast.draining && choice < 25) {
        produce(queue);
      } else if (choice < 65 && held.size() < HANDS) {
        poll(queue);
      } else if (choice < 70) {
        actTooLate();
      } else if (!held.isEmpty()) {
        settle(held.get(random.nextInt(held.size())));
      } else {
        poll(queue);
      }
    } catch (QueueException e) {
      if (e.code() != ErrorCode.CLOSED) {
        throw e;
      }
    }
    bound();
  }

  /** In real time calls may take long; no more than this many are open at once. */
  private void bound() {
    pending.removeIf(CompletableFuture::isDone);
    while (!cast.virtual && pending.size() > MOST_PENDING) {
      CompletableFuture<?> oldest = pending.removeFirst();
      try {
        oldest.get(60, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new AssertionError("A call has no answer after a minute", e);
      }
    }
  }

  // Producing.

  private void produce(WorkQueue queue) {
    int left = cast.plan.messages() - cast.produced.get();
    int count = random.nextInt(4) == 0 ? Math.min(left, 2 + random.nextInt(4)) : 1;
    if (left <= 0) {
      return;
    }
    if (count == 1) {
      cast.produced.incrementAndGet();
      pending.add(queue.enqueue(message(queue.capabilities())).thenAccept(this::stored));
    } else {
      List<Message> several = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        several.add(message(queue.capabilities()));
      }
      cast.produced.addAndGet(count);
      pending.add(queue.enqueueAll(several).thenAccept(outcomes -> outcomes.forEach(this::stored)));
    }
  }

  private void stored(EnqueueOutcome outcome) {
    if (outcome instanceof EnqueueOutcome.Enqueued enqueued) {
      cast.outstanding.add(enqueued.id());
      cast.lastArrival.set(cast.timing.source().nanoTime());
    }
  }

  private Message message(Capabilities can) {
    byte[] body = new byte[8 + random.nextInt(56)];
    random.nextBytes(body);
    // Told apart by content too, where no id was told.
    ByteBuffer.wrap(body).putLong(random.nextLong());
    Message message = Message.of(body);
    if (random.nextInt(3) == 0) {
      message = message.header("color", "blue " + random.nextInt(100)).type("kind-1");
    }
    if (random.nextInt(200) == 0) {
      // Must be refused.
      message = message.key("k".repeat(can.maxKeyBytes() + 1));
    } else if (random.nextBoolean()) {
      message = message.key("key-" + random.nextInt(cast.plan.keys()));
    }
    if (!can.maxEnqueueDelay().isZero() && random.nextInt(5) == 0) {
      message = message.delay(upTo(can.maxEnqueueDelay()));
    }
    if (!can.dedupWindow().isZero() && random.nextInt(5) == 0) {
      message = message.dedupId(dedupId());
    }
    return message;
  }

  private String dedupId() {
    if (!recentIds.isEmpty() && random.nextInt(3) == 0) {
      String[] recent = recentIds.toArray(String[]::new);
      return recent[random.nextInt(recent.length)];
    }
    String id = Long.toHexString(random.nextLong());
    recentIds.addLast(id);
    if (recentIds.size() > RECENT_IDS) {
      recentIds.removeFirst();
    }
    return id;
  }

  private Duration upTo(Duration longest) {
    long most = Math.min(longest.toMillis(), cast.settings.lease().toMillis() * 3 / 2);
    return Duration.ofMillis(1 + random.nextLong(Math.max(1, most)));
  }

  // Consuming.

  private void poll(WorkQueue queue) {
    Duration wait =
        Duration.ofMillis(cast.virtual ? 0 : random.nextInt(10) == 0 ? 300 : random.nextInt(50));
    List<Delivery> taken = queue.poll(1 + random.nextInt(HANDS), wait);
    if (!taken.isEmpty()) {
      held.addAll(taken);
      cast.lastArrival.set(cast.timing.source().nanoTime());
    }
  }

  private void settle(Delivery delivery) {
    Capabilities can = delivery.queue().capabilities();
    boolean last = cast.draining || delivery.attempt() >= LAST_ATTEMPT;
    int choice = last ? 0 : random.nextInt(100);
    if (choice >= 92 && choice < 97 && held.size() > 1) {
      // Its handler hangs: the lease ends, and whoever wakes up then acts too late.
      held.remove(delivery);
      if (forgotten.size() < HANDS) {
        forgotten.add(delivery);
      }
      return;
    }
    if (choice >= 80 && choice < 92) {
      pending.add(delivery.extend(longer(can)));
      return;
    }
    held.remove(delivery);
    if (choice < 48) {
      ended(delivery, delivery.ack());
      if (choice % 12 == 1) {
        // The second one must change nothing.
        pending.add(random.nextBoolean() ? delivery.ack() : delivery.release());
      }
    } else if (choice < 58 && !can.maxReleaseDelay().isZero()) {
      pending.add(delivery.release(upTo(can.maxReleaseDelay())));
    } else if (choice < 66) {
      pending.add(delivery.release());
    } else if (choice < 74) {
      pending.add(delivery.giveBack());
    } else if (choice < 80 && can.deadLetters()) {
      DeadLetterCause cause = new DeadLetterCause("Cause-" + random.nextInt(3), "as planned");
      ended(delivery, delivery.deadLetter(cause));
    } else {
      ended(delivery, delivery.ack());
    }
  }

  private Duration longer(Capabilities can) {
    Duration lease = cast.settings.lease();
    Duration wanted =
        lease.dividedBy(2).plus(lease.multipliedBy(random.nextInt(100)).dividedBy(100));
    return wanted.compareTo(can.minLease()) < 0 ? can.minLease() : wanted;
  }

  private void ended(Delivery delivery, CompletableFuture<Settlement> end) {
    pending.add(
        end.thenAccept(
            result -> {
              if (result != Settlement.STALE) {
                cast.outstanding.remove(delivery.id());
              }
            }));
  }

  private void settleWhileClosing() {
    if (held.isEmpty()) {
      cast.timing.pass(Duration.ofMillis(5));
    } else {
      settle(held.get(random.nextInt(held.size())));
    }
  }

  private void actTooLate() {
    for (Delivery delivery : forgotten) {
      if (delivery.leaseRemaining().isZero()) {
        forgotten.remove(delivery);
        switch (random.nextInt(4)) {
          case 0 -> pending.add(delivery.release());
          case 1 -> pending.add(delivery.extend(longer(delivery.queue().capabilities())));
          default -> ended(delivery, delivery.ack());
        }
        return;
      }
    }
  }

  /** Settles what is in hand of a queue object that closes, all but some of it. */
  void settleSome(WorkQueue closing) {
    for (Delivery delivery : List.copyOf(held)) {
      if (delivery.queue() == closing && random.nextInt(4) != 0) {
        held.remove(delivery);
        ended(delivery, delivery.ack());
      }
    }
  }
}
