package dev.forebay.queue.sqs;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * What was received and not handed out yet.
 *
 * <p>On a FIFO queue one receive may bring several messages of a group. Only the first is ready;
 * the others wait until it is gone from the queue (K1). If it is not, because it failed or its
 * lease was lost, they must go back to SQS before it does, or they would overtake it.
 *
 * <p>Not thread-safe: guarded by the receiver's lock.
 */
final class Shelf {

  private final boolean fifo;
  private final Deque<SqsDelivery> ready = new ArrayDeque<>();
  private final Map<String, Lane> lanes = new HashMap<>();
  private int size;
  private long bytes;

  private static final class Lane {
    final Deque<SqsDelivery> waiting = new ArrayDeque<>();

    /** Handed out and not gone yet. */
    @Nullable SqsDelivery current;
  }

  Shelf(boolean fifo) {
    this.fifo = fifo;
  }

  /** How many could be handed out at once. */
  int ready() {
    return ready.size();
  }

  /** How many are held in all. */
  int size() {
    return size;
  }

  /** Bytes of the bodies held. */
  long bytes() {
    return bytes;
  }

  void add(SqsDelivery delivery) {
    count(delivery, 1);
    if (!fifo) {
      ready.add(delivery);
      return;
    }
    Lane lane = lanes.computeIfAbsent(group(delivery), name -> new Lane());
    lane.waiting.add(delivery);
    if (lane.current == null && lane.waiting.size() == 1) {
      ready.add(delivery);
    }
  }

  /**
   * Takes up to {@code max} that are ready.
   *
   * @param unfit gets those that do not pass {@code fit}, and what must not overtake them
   */
  List<SqsDelivery> take(int max, Predicate<SqsDelivery> fit, List<SqsDelivery> unfit) {
    List<SqsDelivery> taken = new ArrayList<>(Math.min(max, ready.size()));
    while (taken.size() < max && !ready.isEmpty()) {
      SqsDelivery next = ready.getFirst();
      if (!fit.test(next)) {
        unfit.addAll(withdraw(next));
        continue;
      }
      ready.removeFirst();
      count(next, -1);
      if (fifo) {
        Lane lane = lanes.computeIfAbsent(group(next), name -> new Lane());
        lane.waiting.removeFirst();
        lane.current = next;
      }
      taken.add(next);
    }
    return taken;
  }

  /**
   * Notes that a delivery was decided.
   *
   * @param gone whether its message is surely gone from the queue, so that the next may follow
   * @return what has to go back to SQS, the last of its group first
   */
  List<SqsDelivery> decided(SqsDelivery delivery, boolean gone) {
    if (!fifo) {
      return withdraw(delivery);
    }
    Lane lane = lanes.get(group(delivery));
    if (lane == null) {
      return List.of();
    }
    if (lane.current != delivery) {
      return lane.waiting.contains(delivery) ? withdraw(delivery) : List.of();
    }
    lane.current = null;
    if (!gone) {
      return detach(delivery);
    }
    if (lane.waiting.isEmpty()) {
      lanes.remove(group(delivery));
    } else {
      ready.add(lane.waiting.getFirst());
    }
    return List.of();
  }

  /**
   * Forgets the group of a delivery that is about to go back to SQS.
   *
   * @return what has to go back before it, the last of the group first
   */
  List<SqsDelivery> detach(SqsDelivery delivery) {
    Lane lane = fifo ? lanes.remove(group(delivery)) : null;
    if (lane == null) {
      return List.of();
    }
    List<SqsDelivery> rest = new ArrayList<>(lane.waiting);
    rest.forEach(this::removed);
    Collections.reverse(rest);
    return rest;
  }

  /** Takes one that was not handed out off the shelf, and what must not overtake it. */
  List<SqsDelivery> withdraw(SqsDelivery delivery) {
    if (fifo) {
      Lane lane = lanes.get(group(delivery));
      if (lane == null) {
        return List.of();
      }
      List<SqsDelivery> back = new ArrayList<>();
      while (!lane.waiting.isEmpty()) {
        SqsDelivery last = lane.waiting.removeLast();
        removed(last);
        back.add(last);
        if (last == delivery) {
          break;
        }
      }
      if (lane.waiting.isEmpty() && lane.current == null) {
        lanes.remove(group(delivery));
      }
      return back;
    }
    if (ready.remove(delivery)) {
      count(delivery, -1);
      return List.of(delivery);
    }
    return List.of();
  }

  /** Those held, ready or not. */
  List<SqsDelivery> all() {
    if (!fifo) {
      return new ArrayList<>(ready);
    }
    List<SqsDelivery> all = new ArrayList<>(size);
    lanes.values().forEach(lane -> all.addAll(lane.waiting));
    return all;
  }

  /** Whether a poll could take it now. */
  boolean isReady(SqsDelivery delivery) {
    return ready.contains(delivery);
  }

  /** Empties the shelf; the last of each group comes first. */
  List<SqsDelivery> drain() {
    List<SqsDelivery> all = all();
    all.forEach(this::removed);
    lanes.values().forEach(lane -> lane.waiting.clear());
    lanes.values().removeIf(lane -> lane.current == null);
    Collections.reverse(all);
    return all;
  }

  private void removed(SqsDelivery delivery) {
    ready.remove(delivery);
    count(delivery, -1);
  }

  private void count(SqsDelivery delivery, int sign) {
    size += sign;
    bytes += (long) sign * delivery.message().bodySize();
  }

  /** The group a delivery belongs to; empty for none. */
  static String group(SqsDelivery delivery) {
    String group =
        delivery.received().attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID);
    return group == null ? "" : group;
  }
}
