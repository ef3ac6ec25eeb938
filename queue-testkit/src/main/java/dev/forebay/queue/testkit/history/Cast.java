package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.Crash;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.contract.Timing;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.fault.FaultyWorkQueue;
import dev.forebay.queue.testkit.fault.QueueFault;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Everybody who takes part in a run: queue objects, those who use them, and what they share. Used
 * by one thread, besides what actors in real time call.
 */
final class Cast {

  /**
   * What a run is made of.
   *
   * @param faultRate share of the calls that each fault strikes
   */
  record Plan(
      int messages, int processes, int threads, int keys, boolean restarts, double faultRate) {}

  /** How long, in real time, a thread may take to begin to wait. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** How long, in real time, a thread may take to notice what has happened. */
  private static final Duration MOMENT = Duration.ofMillis(5);

  /** After this much of real time, under a clock that stands, a close hangs. */
  private static final Duration HANG = Duration.ofMillis(700);

  /** A drain that takes longer than this has something to hide. */
  private static final Duration LONGEST_DRAIN = Duration.ofSeconds(90);

  final HistoryRecorder recorder;
  final Timing timing;
  final boolean virtual;
  final Plan plan;
  final QueueSettings settings;
  final Set<String> outstanding = ConcurrentHashMap.newKeySet();
  final AtomicInteger produced = new AtomicInteger();
  final AtomicLong lastArrival = new AtomicLong();
  final Set<WorkQueue> dead = ConcurrentHashMap.newKeySet();
  private final WorkQueueHarness harness;
  private final String name;
  private final Workload.Witness witness;
  private final SplittableRandom random;
  private final Optional<Crash> crash;
  private final List<Seat> seats = new ArrayList<>();
  private final List<Actor> actors = new ArrayList<>();
  private final Map<QueueFault, LongAdder> struck = new EnumMap<>(QueueFault.class);
  volatile boolean draining;
  private volatile boolean over;
  private volatile @Nullable Throwable failure;

  Cast(
      WorkQueueHarness harness,
      String name,
      QueueSettings settings,
      HistoryRecorder recorder,
      Workload.Witness witness,
      SplittableRandom random,
      Plan plan) {
    this.harness = harness;
    this.name = name;
    this.settings = settings;
    this.recorder = recorder;
    this.witness = witness;
    this.random = random;
    this.plan = plan;
    this.timing = harness.timing();
    this.virtual = timing.granularity().isZero();
    this.crash = harness.crash();
    for (QueueFault fault : QueueFault.values()) {
      struck.put(fault, new LongAdder());
    }
  }

  long struck(QueueFault fault) {
    return struck.getOrDefault(fault, new LongAdder()).sum();
  }

  /** One queue object at a time, for those who use it. */
  final class Seat {
    volatile WorkQueue queue;
    volatile boolean closing;
    private WorkQueue raw;
    private @Nullable FaultyWorkQueue faulty;

    Seat() {
      raw = harness.open(name, settings);
      faulty = front(raw);
      queue = recorder.record(faulty == null ? raw : faulty);
    }

    private @Nullable FaultyWorkQueue front(WorkQueue target) {
      if (plan.faultRate() == 0) {
        return null;
      }
      FaultyWorkQueue.Builder builder =
          FaultyWorkQueue.builder(target, random.nextLong())
              .time(timing.source())
              .longestDelay(settings.lease().dividedBy(4));
      // A second hand-out of a live delivery would break the contract; all others keep it. A poll
      // that is late waits for a clock that only its own thread moves.
      for (QueueFault fault : QueueFault.values()) {
        if (fault != QueueFault.DUPLICATE_DELIVERY && !(virtual && fault == QueueFault.DELAY)) {
          builder.rate(fault, plan.faultRate());
        }
      }
      return builder.build();
    }

    private void reopen() {
      count();
      raw = harness.open(name, settings);
      faulty = front(raw);
      queue = recorder.record(faulty == null ? raw : faulty);
    }

    private void faultsEnd() {
      if (faulty != null) {
        faulty.enable(false);
      }
    }

    private void count() {
      if (faulty == null) {
        return;
      }
      for (QueueFault fault : QueueFault.values()) {
        struck.getOrDefault(fault, new LongAdder()).add(faulty.fired(fault));
      }
    }

    private void kill(Crash how) {
      WorkQueue killed = queue;
      closing = true;
      dead.add(killed);
      recorder.crashed(killed);
      how.kill(raw);
      reopen();
      closing = false;
    }

    /** Closes while its deliveries are still being settled, then opens another one. */
    private void close() {
      WorkQueue closed = queue;
      closing = true;
      Thread thread = new Thread(closed::close, "history-close");
      thread.setDaemon(true);
      thread.start();
      awaitWaiting(thread);
      if (virtual) {
        timing.pass(settings.grace().dividedBy(4));
        for (Actor actor : actors) {
          actor.settleSome(closed);
        }
        if (!ends(thread, MOMENT)) {
          timing.pass(settings.grace().multipliedBy(3).dividedBy(4));
        }
      } else {
        timing.pass(settings.grace());
      }
      if (!ends(thread, virtual ? HANG : PATIENCE)) {
        // It hangs. That must be seen in the history, not in the run.
        timing.pass(settings.grace().plus(timing.tolerance()).multipliedBy(4));
      }
      if (!thread.isAlive()) {
        use(closed);
      }
      reopen();
      closing = false;
    }

    /** A closed queue should refuse; what it does instead is in the history. */
    private static void use(WorkQueue closed) {
      try {
        closed.poll(1, Duration.ZERO);
      } catch (QueueException refused) {
        // As it should.
      }
      closed.enqueue(Message.text("too late"));
    }

    private static boolean ends(Thread thread, Duration within) {
      try {
        thread.join(within.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Interrupted while a queue closed", e);
      }
      return !thread.isAlive();
    }

    private static void awaitWaiting(Thread thread) {
      long began = SystemTimeSource.get().nanoTime();
      while (thread.isAlive()
          && thread.getState() != Thread.State.WAITING
          && thread.getState() != Thread.State.TIMED_WAITING
          && SystemTimeSource.get().nanoTime() - began < PATIENCE.toNanos()) {
        Thread.onSpinWait();
      }
    }
  }

  Capabilities play() {
    for (int i = 0; i < plan.processes(); i++) {
      Seat seat = new Seat();
      seats.add(seat);
      for (int j = 0; j < (virtual ? 1 : plan.threads()); j++) {
        actors.add(new Actor(this, seat, random.split()));
      }
    }
    Capabilities can = seats.get(0).queue.capabilities();
    lastArrival.set(timing.source().nanoTime());
    try {
      if (virtual) {
        playInTurns();
      } else {
        playAtOnce();
      }
      if (can.deadLetters()) {
        look(seats.get(0).queue);
      }
    } finally {
      over = true;
      seats.forEach(Seat::count);
      seats.forEach(seat -> closeAtLast(seat.queue));
    }
    return can;
  }

  /** Looks at the dead letters in the ways that there are. */
  private void look(WorkQueue queue) {
    try {
      recorder.look(queue.deadLetters());
    } catch (QueueException notOffered) {
      // Then they are only polled.
    }
    if (!virtual) {
      // In real time a second look costs more than it shows.
      return;
    }
    WorkQueue letters = harness.openDeadLetters(name, settings);
    int look = recorder.beginLook();
    for (int empty = 0; empty < 2; ) {
      List<Delivery> taken = letters.poll(100, Duration.ZERO);
      // Which is what some queues that are wrong do.
      empty += taken == null || taken.isEmpty() ? 1 : 0;
      for (Delivery letter : taken == null ? List.<Delivery>of() : taken) {
        recorder.found(look, letter);
        letter.ack();
      }
    }
    recorder.endLook(look);
    closeAtLast(letters);
  }

  private void closeAtLast(WorkQueue queue) {
    Thread thread = new Thread(queue::close, "history-close");
    thread.setDaemon(true);
    thread.start();
    long began = SystemTimeSource.get().nanoTime();
    while (thread.isAlive() && SystemTimeSource.get().nanoTime() - began < PATIENCE.toNanos()) {
      if (virtual && thread.getState() == Thread.State.WAITING) {
        timing.pass(settings.grace());
      }
      LockSupport.parkNanos(100_000);
    }
  }

  private void playInTurns() {
    long stepNanos = settings.lease().toNanos() / 40;
    while (produced.get() < plan.messages()) {
      actors.get(random.nextInt(actors.size())).step();
      // So that no two steps are at the same time.
      timing.pass(Duration.ofNanos(1));
      if (random.nextInt(3) == 0) {
        timing.pass(Duration.ofNanos(1 + random.nextLong(stepNanos)));
      }
      witness.look(name, recorder);
      disturb();
    }
    drain(
        () -> {
          for (Actor actor : actors) {
            actor.step();
            timing.pass(Duration.ofNanos(1));
          }
          timing.pass(Duration.ofNanos(1 + random.nextLong(stepNanos)));
          witness.look(name, recorder);
        });
  }

  private void playAtOnce() {
    List<Thread> threads = new ArrayList<>();
    for (Actor actor : actors) {
      Thread thread = new Thread(() -> act(actor), "history-actor-" + threads.size());
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    while (produced.get() < plan.messages() && failure == null) {
      timing.pass(Duration.ofMillis(20));
      witness.look(name, recorder);
      disturb();
    }
    drain(
        () -> {
          timing.pass(Duration.ofMillis(20));
          witness.look(name, recorder);
        });
    over = true;
    for (Thread thread : threads) {
      try {
        thread.join(PATIENCE.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Interrupted while a run ended", e);
      }
    }
    if (failure != null) {
      throw new AssertionError("An actor failed. Without an answer: " + unanswered(), failure);
    }
  }

  /** The first calls that nobody answered, and what happened to their messages. */
  private String unanswered() {
    History history = recorder.history();
    StringBuilder out = new StringBuilder();
    history.events().stream()
        .filter(event -> event.completed() == Event.NEVER && event.kind() != Event.Kind.POLL)
        .limit(5)
        .forEach(open -> append(out, history, open));
    return out.toString();
  }

  private static void append(StringBuilder out, History history, Event open) {
    out.append("\n  ").append(open.line(history.origin()));
    for (Event event : history.events()) {
      boolean same = open.id() != null && open.id().equals(event.id());
      boolean life =
          event.process() == open.process()
              && (event.kind() == Event.Kind.CLOSE || event.kind() == Event.Kind.CRASH);
      if (same || life) {
        out.append("\n      ").append(event.line(history.origin()));
      }
    }
  }

  private void act(Actor actor) {
    try {
      while (!over) {
        actor.step();
      }
    } catch (Throwable e) {
      failure = e;
    }
  }

  private void disturb() {
    if (!plan.restarts() || random.nextInt(100) != 0) {
      return;
    }
    Seat seat = seats.get(random.nextInt(seats.size()));
    if (crash.isPresent() && random.nextBoolean()) {
      seat.kill(crash.get());
    } else {
      seat.close();
    }
  }

  private void drain(Runnable turn) {
    seats.forEach(Seat::faultsEnd);
    draining = true;
    Capabilities can = seats.get(0).queue.capabilities();
    // Whatever can come back by lease, delay or a dead process has come back after this.
    Duration quiet =
        settings
            .lease()
            .multipliedBy(3)
            .plus(can.lateness())
            .plus(plan.restarts() ? can.failureDetection() : Duration.ZERO)
            .plus(timing.tolerance());
    // When nothing is missing this is enough to see what should not come.
    Duration linger = settings.lease().plus(timing.granularity());
    long began = timing.source().nanoTime();
    while (failure == null) {
      turn.run();
      long now = timing.source().nanoTime();
      Duration silent = Duration.ofNanos(now - Math.max(lastArrival.get(), began));
      Duration enough = outstanding.isEmpty() ? linger : quiet;
      if (silent.compareTo(enough) > 0) {
        recorder.drained();
        return;
      }
      if (now - began > LONGEST_DRAIN.plus(quiet).toNanos()) {
        return;
      }
    }
  }
}
