package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/**
 * What one test of the contract works with: a broker queue of its own, objects opened on it, and
 * the clock. Handed to every test as a parameter; closes all it opened when the test ends.
 *
 * <p>Thread-safe once the settings are chosen.
 */
public final class Trial {

  /** Long enough to settle what a test holds, short enough not to hold up the suite. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** The default of a worker, which tests do not change to a longer one. */
  private static final Duration WORKER_GRACE = Duration.ofSeconds(30);

  /** A bound for calls that should not wait for anything but the broker. */
  static final Duration CALL = Duration.ofSeconds(30);

  private final String name;
  private final WorkQueueHarness harness;
  private final Timing timing;
  private volatile Capabilities declared;
  private final Set<Ability> abilities;
  private final ConcurrentLinkedQueue<WorkQueue> opened = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Worker> workers = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> besides = new ConcurrentLinkedQueue<>();
  private QueueSettings settings;

  Trial(String name, WorkQueueHarness harness, Capabilities declared, Set<Ability> abilities) {
    this.name = name;
    this.harness = harness;
    this.timing = harness.timing();
    this.declared = declared;
    this.abilities = abilities;
    this.settings = settings(harness, declared.deadLetters());
  }

  static QueueSettings settings(WorkQueueHarness harness, boolean deadLetters) {
    return new QueueSettings(harness.longLease(), GRACE, deadLetters, KeyPolicy.STRICT);
  }

  // What the test works with.

  /** The broker queue's name, as given to the harness. */
  public String name() {
    return name;
  }

  /** The harness, for tests that need one of its hooks. */
  public WorkQueueHarness harness() {
    return harness;
  }

  /** The clock of this test. */
  public Timing timing() {
    return timing;
  }

  /** What the backend declares. */
  public Capabilities capabilities() {
    return declared;
  }

  /** Whether backend or harness offers this. */
  public boolean offers(Ability ability) {
    return abilities.contains(ability);
  }

  /** How objects are opened from now on. */
  public QueueSettings settings() {
    return settings;
  }

  /** Opens objects with these settings from now on; before the first one is opened. */
  public void use(QueueSettings changed) {
    settings = changed;
  }

  /** Leases end soon from now on: for tests that wait for the end of one. */
  public Duration useShortLease() {
    use(settings.withLease(harness.shortLease()));
    return harness.shortLease();
  }

  /** The lease that deliveries get. */
  public Duration lease() {
    return settings.lease();
  }

  /** An upper bound: the declared lateness and what the clock tolerates. */
  public Duration late(Duration after) {
    return after.plus(declared.lateness()).plus(timing.tolerance());
  }

  // Opening and closing.

  /** Opens an object on this test's broker queue; the second stands for another process. */
  public WorkQueue open() {
    WorkQueue queue = harness.open(name, settings);
    opened.add(queue);
    // Some numbers depend on the settings, such as the lateness on the lease.
    declared = queue.capabilities();
    return queue;
  }

  /** Opens a second broker queue, with the same settings. */
  WorkQueue openBeside(String suffix) {
    String beside = name + "-" + suffix;
    besides.add(beside);
    WorkQueue queue = harness.open(beside, settings);
    opened.add(queue);
    return queue;
  }

  /** Opens the dead letters of this test's broker queue. */
  public WorkQueue openDeadLetters() {
    WorkQueue queue = harness.openDeadLetters(name, settings);
    opened.add(queue);
    return queue;
  }

  /** Closes an object, moving the clock as far as its grace time needs. */
  public void close(WorkQueue queue) {
    opened.remove(queue);
    Background.start(
            timing,
            "close",
            () -> {
              queue.close();
              return true;
            })
        .result(settings.grace().plusSeconds(1).plus(timing.tolerance()).plus(CALL));
  }

  /** Starts a worker under this test's clock. */
  Worker start(WorkerBuilder builder) {
    Worker worker = builder.time(timing.source()).start();
    workers.add(worker);
    return worker;
  }

  /** Closes the workers that were started; their handlers may end, and all is settled. */
  void stopWorkers() {
    for (Worker worker = workers.poll(); worker != null; worker = workers.poll()) {
      Worker closes = worker;
      Background.start(
              timing,
              "close-worker",
              () -> {
                closes.close();
                return true;
              })
          .result(WORKER_GRACE.plusSeconds(2).plus(CALL));
    }
  }

  /** No longer closes this object at the end: the test killed it. */
  void forget(WorkQueue queue) {
    opened.remove(queue);
  }

  void end() {
    try {
      stopWorkers();
    } finally {
      closeAll();
    }
  }

  private void closeAll() {
    List<WorkQueue> left = new ArrayList<>(opened);
    opened.clear();
    RuntimeException failure = null;
    for (WorkQueue queue : left) {
      try {
        close(queue);
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    besides.forEach(harness::delete);
    harness.delete(name);
    if (failure != null) {
      throw failure;
    }
  }

  // Calls, each with a bound.

  /** The result of an asynchronous call. */
  public <T> T get(CompletableFuture<T> future) {
    assertThat(timing.await(CALL, future::isDone, () -> true))
        .as("the call ends within %s", CALL)
        .isTrue();
    return future.join();
  }

  /** Enqueues one message, which must be stored. */
  public String enqueue(WorkQueue queue, Message message) {
    EnqueueOutcome outcome = get(queue.enqueue(message));
    assertThat(outcome).as("outcome of an enqueue").isInstanceOf(EnqueueOutcome.Enqueued.class);
    return outcome.orThrow();
  }

  /** Enqueues messages, which must all be stored. */
  public List<String> enqueueAll(WorkQueue queue, List<Message> messages) {
    List<EnqueueOutcome> outcomes = get(queue.enqueueAll(messages));
    assertThat(outcomes)
        .as("one outcome per message, all enqueued")
        .hasSize(messages.size())
        .allMatch(EnqueueOutcome.Enqueued.class::isInstance);
    return outcomes.stream().map(EnqueueOutcome::orThrow).toList();
  }

  /** Enqueues as many messages as asked for, made from their index. */
  public List<String> enqueueMany(WorkQueue queue, int count, IntFunction<Message> message) {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      messages.add(message.apply(i));
    }
    return enqueueAll(queue, messages);
  }

  /** Enqueues as many messages as asked for, without key, whose texts tell them apart. */
  public List<String> enqueueMany(WorkQueue queue, int count) {
    return enqueueMany(queue, count, i -> Message.text("message " + i));
  }

  /** Acks, which must succeed. */
  public void ack(Delivery delivery) {
    assertThat(get(delivery.ack())).as("ack of %s", delivery).isEqualTo(Settlement.OK);
  }

  /** Acks all at once, which must succeed. */
  public void ackAll(List<Delivery> deliveries) {
    List<CompletableFuture<Settlement>> acks = deliveries.stream().map(Delivery::ack).toList();
    for (int i = 0; i < acks.size(); i++) {
      assertThat(get(acks.get(i))).as("ack of %s", deliveries.get(i)).isEqualTo(Settlement.OK);
    }
  }

  // Waiting for deliveries.

  /** The next delivery, which must come. */
  public Delivery take(WorkQueue queue) {
    return take(queue, 1).get(0);
  }

  /** The next deliveries, each of which must come. */
  public List<Delivery> take(WorkQueue queue, int count) {
    return take(List.of(queue), count);
  }

  /** The next deliveries of any of these objects, each of which must come. */
  public List<Delivery> take(List<WorkQueue> queues, int count) {
    List<Delivery> taken = new ArrayList<>();
    while (taken.size() < count) {
      List<Delivery> more = arrivals(queues, count - taken.size(), late(timing.arrival()));
      assertThat(more).as("deliveries, after %s of %s", taken.size(), count).isNotEmpty();
      taken.addAll(more);
    }
    return taken;
  }

  /** The next delivery, if it comes within this much time. */
  Optional<Taken> takeWithin(WorkQueue queue, Duration within) {
    return timing.look(
        within,
        wait -> {
          long began = timing.nanoTime();
          return queue.poll(wait).map(delivery -> new Taken(delivery, began, timing.nanoTime()));
        });
  }

  /** What arrives first, if anything does within this much time. */
  List<Delivery> arrivals(List<WorkQueue> queues, int max, Duration within) {
    AtomicInteger turn = new AtomicInteger();
    return timing
        .look(
            within,
            wait -> {
              WorkQueue queue = queues.get(turn.getAndIncrement() % queues.size());
              List<Delivery> found = queue.poll(max, wait);
              assertThat(found).as("what poll returns").hasSizeLessThanOrEqualTo(max);
              return found.isEmpty() ? Optional.empty() : Optional.of(found);
            })
        .orElse(List.of());
  }

  /** Looks for deliveries all the while and finds none. */
  public void nothingArrives(WorkQueue queue, Duration during) {
    assertThat(arrivals(List.of(queue), 10, during)).as("deliveries where none may come").isEmpty();
  }

  /**
   * Long enough for anything that could come back by lease, delay or lateness to have come back.
   * Needs the short lease.
   */
  public Duration quiet() {
    return lease().plus(declared.lateness()).plusMillis(500);
  }
}
