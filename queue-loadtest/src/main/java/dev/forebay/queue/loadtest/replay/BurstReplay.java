package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.model.Failures;
import dev.forebay.queue.loadtest.model.ServiceTime;
import dev.forebay.queue.loadtest.model.SpeedClass;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A trace through the in-memory queue with everything that goes wrong: attempts that fail, handlers
 * that hang until their lease is lost, and two workers that die with work in their hands, each
 * replaced at once. Every handler writes its effect by its fencing token.
 *
 * <p>Work goes on that nobody waits for any more. Handlers of a dead worker ignore that they are
 * interrupted and write. Of those that hang half do the same; the other half ends, and what it had
 * begun elsewhere, as on an accelerator, writes while another delivery works on the request. Not
 * thread-safe.
 */
public final class BurstReplay {

  private static final int WARM_UPS = 2_000;
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration LOOK = Duration.ofMillis(20);

  /** Well above the attempts that failures, hangs and crashes take together. */
  private static final int MAX_ATTEMPTS = 10;

  /**
   * What came of it.
   *
   * @param timeline what happened to each request
   * @param completions how often work was carried to its end, whether its effect was taken or not
   * @param effects requests whose effect was written
   * @param doneTwice effects written again although they were there
   * @param refusedWrites writes that came too late, refused by their token
   * @param crashed messages that were in the hands of a worker when it died
   * @param leasesLost by workers while they lived, such as those of handlers that hang
   * @param left messages still in the queue at the end
   * @param died messages in the dead letters
   * @param refusal what the queue said when it first refused a message, or empty
   */
  public record Result(
      Timeline timeline,
      int completions,
      int effects,
      int doneTwice,
      int refusedWrites,
      int crashed,
      long leasesLost,
      long left,
      long died,
      String refusal) {

    /** Requests of which no effect is there. */
    public int lost() {
      return timeline.requests() - effects;
    }

    /** Whether every effect is there once and nothing is left anywhere. */
    public boolean clean() {
      return lost() == 0 && doneTwice == 0 && left == 0 && died == 0;
    }
  }

  private final Plan plan;
  private final Duration maxRunTime;
  private final TimeOuts timeOuts;
  private final ReplayClock clock = new ReplayClock(SystemTimeSource.get());
  private final Recorder recorder;
  private final FencedEffects effects;
  private final MemoryBackend backend;
  private final CountDownLatch warmUps = new CountDownLatch(WARM_UPS);
  // By request: the token of a delivery whose handler has left and whose work goes on.
  private final Map<Integer, Long> lateResults = new ConcurrentHashMap<>();
  private final List<Member> living = new ArrayList<>();
  private long leasesLostByTheDead;

  /** A worker and its queue object. */
  private record Member(MortalQueue queue, Worker worker, SpeedClass speed, int slots) {}

  /**
   * A replay of this plan; nothing runs yet.
   *
   * @param maxRunTime after which a handler counts as hung and its lease is left to end
   * @param fenced whether writes are refused by their token
   */
  public BurstReplay(Plan plan, Duration maxRunTime, boolean fenced) {
    this.plan = plan;
    this.maxRunTime = maxRunTime;
    timeOuts = plan.timeOuts();
    recorder = new Recorder(plan.trace(), plan.timeline());
    effects = new FencedEffects(plan.trace().size(), fenced);
    backend = new MemoryBackend(timeOuts, SystemTimeSource.get());
  }

  /** How long a hung handler keeps its slot at most: until its lease ends that nobody extends. */
  public static Duration hangLasts(Plan plan, Duration maxRunTime) {
    return maxRunTime.plus(plan.timeOuts().lease());
  }

  /** Replays the trace and returns when every request has its effect and nothing is left. */
  public Result run() throws InterruptedException {
    for (SpeedClass speed : SpeedClass.values()) {
      int slots = plan.slots().of(speed);
      // Two of each kind, so that the death of one leaves the other.
      if (slots > 1) {
        living.add(start(speed, slots - slots / 2));
      }
      if (slots > 0) {
        living.add(start(speed, Math.max(1, slots / 2)));
      }
    }
    try (WorkQueue senders = backend.open()) {
      for (int i = 0; i < WARM_UPS; i++) {
        senders.enqueue(Prompts.warmUp());
      }
      if (!warmUps.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("The workers handled no warm-up messages in time.");
      }
      return replay(senders);
    } finally {
      for (Member process : living) {
        process.worker.close();
        process.queue.close();
      }
    }
  }

  private Result replay(WorkQueue senders) throws InterruptedException {
    long[] due = new long[plan.trace().size()];
    Arrays.setAll(due, plan.timeline()::arrivalNanos);
    clock.startIn(Duration.ofMillis(100));
    Thread sender = new Thread(new Sender(plan.trace(), due, senders, recorder, clock), "sender");
    sender.setDaemon(true);
    sender.start();
    int crashed = 0;
    for (int crash = 1; crash <= 2; crash++) {
      // In the middle of the work: at a third and two thirds of it.
      awaitHandled(plan.trace().size() * crash / 3);
      crashed += crash(crash == 1 ? 0 : living.size() - 1);
    }
    awaitHandled(plan.trace().size());
    long limit = clock.now() + PATIENCE.toNanos();
    while (senders.depth().backlog() > 0 && clock.now() < limit) {
      clock.await(clock.now() + LOOK.toNanos());
    }
    sender.interrupt();
    long leasesLost =
        leasesLostByTheDead
            + living.stream().mapToLong(process -> process.worker.stats().leaseLost()).sum();
    String refusal = recorder.firstRefusal();
    return new Result(
        recorder.timeline(),
        effects.completions(),
        effects.effects(),
        effects.doneTwice(),
        effects.refused(),
        crashed,
        leasesLost,
        senders.depth().backlog(),
        senders.deadLetters().summary(DeadLetterFilter.all()).count(),
        refusal == null ? "" : refusal);
  }

  private void awaitHandled(int count) throws InterruptedException {
    long handled = -1;
    long limit = 0;
    while (recorder.handled() < count && !(recorder.allSent() && recorder.allHandled())) {
      if (recorder.handled() != handled || !recorder.allSent()) {
        handled = recorder.handled();
        limit = clock.now() + PATIENCE.toNanos();
      } else if (clock.now() > limit) {
        return;
      }
      clock.await(clock.now() + LOOK.toNanos());
    }
  }

  /** A worker dies, and another one takes its place; returns what was in its hands. */
  private int crash(int number) {
    Member dying = living.get(number);
    dying.queue.die();
    int inHand = dying.worker.stats().running();
    leasesLostByTheDead += dying.worker.stats().leaseLost();
    living.set(number, start(dying.speed, dying.slots));
    // Ends the threads of the dead: their handlers are interrupted, and nothing gets out.
    dying.worker.close();
    return inHand;
  }

  private Member start(SpeedClass speed, int slots) {
    MortalQueue queue = new MortalQueue(backend.open());
    Worker worker =
        Worker.builder(queue)
            .slots(slots)
            .pollWait(timeOuts.pollWait())
            .grace(Duration.ZERO)
            .leases(LeasePolicy.defaults().maxRunTime(maxRunTime))
            .retry(
                RetryPolicy.backoff(
                        Backoff.exponential(timeOuts.backoff(), timeOuts.backoffCap())
                            .jitter(Jitter.NONE))
                    .maxAttempts(MAX_ATTEMPTS)
                    .maxLostLeases(MAX_ATTEMPTS))
            .handler((delivery, context) -> handle(queue, speed, delivery, context))
            .start();
    return new Member(queue, worker, speed, slots);
  }

  private void handle(
      MortalQueue queue, SpeedClass speed, Delivery delivery, HandlerContext context)
      throws Exception {
    long start = clock.now();
    if (Prompts.number(delivery).isEmpty()) {
      warmUps.countDown();
      return;
    }
    int request = Prompts.number(delivery).getAsInt();
    long token = context.fencingToken();
    if (!effects.begin(request, token)) {
      // Done by a worker that died between its effect and its ack.
      return;
    }
    recorder.started(request, start);
    boolean done = false;
    try {
      work(queue, speed, request, context);
      Long late = lateResults.remove(request);
      if (late != null) {
        boolean unused = effects.finish(request, late);
      }
      done = effects.finish(request, token);
    } finally {
      recorder.ended(request, start, clock.now(), done);
    }
  }

  private void work(MortalQueue queue, SpeedClass speed, int request, HandlerContext context)
      throws Exception {
    Failures failures = plan.failures();
    int attempt = context.attempt();
    Duration service =
        plan.speedUp().scale(ServiceTime.of(plan.trace().requests().get(request), speed));
    if (failures.hangs(request, attempt)) {
      hang(request, context);
      clock.awaitInSpite(clock.now() + service.toNanos());
      return;
    }
    long end = clock.now() + failures.lasts(request, attempt, service).toNanos();
    try {
      clock.await(end);
    } catch (InterruptedException e) {
      if (!queue.isDead()) {
        throw e;
      }
      clock.awaitInSpite(end);
    }
    if (failures.fails(request, attempt)) {
      throw new ModelHandler.OutOfMemoryOnAccelerator();
    }
  }

  /** Returns when it is interrupted, to go on as if nothing had happened, or leaves its result. */
  private void hang(int request, HandlerContext context) throws InterruptedException {
    try {
      clock.await(Long.MAX_VALUE / 2);
    } catch (InterruptedException e) {
      if (!plan.failures().goesOn(request, context.attempt())) {
        lateResults.put(request, context.fencingToken());
        throw e;
      }
    }
  }
}
