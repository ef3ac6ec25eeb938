package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What it costs to keep leases, in requests to a broker that takes ten extensions in one: at most
 * 1.1 × leases ÷ batch ÷ interval, where the interval is the third of the lease after which it is
 * extended. Under virtual time, without a handler's thread for each lease.
 */
class LeaseKeeperTest {

  private static final int BATCH = 10;
  private static final Duration LINGER = Duration.ofMillis(5);
  private static final Duration STEP = Duration.ofMillis(100);
  private static final String TYPE = "long";

  private final Rig rig = new Rig();
  private final Requests queue = new Requests();
  private final HandlerTimes times = new HandlerTimes();
  private final Counters counters = new Counters();
  private final List<Run> runs = new ArrayList<>();

  /** Gathers extensions as the queues that have a batch request for them do. */
  private final class Requests extends ForwardingWorkQueue {
    private final List<Runnable> waiting = new ArrayList<>();
    int sent;
    Duration longest = Duration.ZERO;

    Requests() {
      super(rig.queue);
    }

    @Override
    public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
      longest = lease.compareTo(longest) > 0 ? lease : longest;
      CompletableFuture<Settlement> result = new CompletableFuture<>();
      waiting.add(() -> result.complete(super.extend(delivery, lease).join()));
      if (waiting.size() == BATCH) {
        send();
      } else if (waiting.size() == 1) {
        rig.time.schedule(LINGER, this::send);
      }
      return result;
    }

    private void send() {
      if (!waiting.isEmpty()) {
        sent++;
        List<Runnable> entries = List.copyOf(waiting);
        waiting.clear();
        entries.forEach(Runnable::run);
      }
    }
  }

  private LeaseKeeper keeper(LeasePolicy policy) {
    return new LeaseKeeper(
        queue, policy, times, rig.time, counters, new Signals(List.of()), runs::forEach);
  }

  /** Starts handlers a few at a time, so that their leases are granted at many different times. */
  private void start(LeaseKeeper keeper, int count) {
    IntStream.range(0, count)
        .forEach(i -> queue.enqueue(Message.text("m" + i).type(TYPE)).join().orThrow());
    while (runs.size() < count) {
      for (Delivery delivery : queue.poll(37, Duration.ZERO)) {
        Duration granted = keeper.granted(delivery.leaseRemaining());
        Run run = new Run(null, delivery, granted, rig.time.nanoTime(), rig.time);
        assertThat(run.begin()).isTrue();
        runs.add(run);
      }
      rig.advance(Duration.ofMillis(700));
    }
  }

  private double requestsPerSecond(Duration over) {
    int before = queue.sent;
    rig.advanceInSteps(over, STEP);
    assertThat(counters.leaseLost.sum()).isZero();
    assertThat(runs).noneMatch(Run::isLeaseLost);
    return (queue.sent - before) / (double) over.toSeconds();
  }

  private static double bound(int leases, Duration lease) {
    return 1.1 * leases / BATCH / (lease.toSeconds() / 3.0);
  }

  @Test
  void W1_extensionRequestsStayBelowOneForEachBatchAndInterval() {
    int leases = 1_000;
    LeaseKeeper keeper = keeper(LeasePolicy.defaults().seed(7));
    start(keeper, leases);
    double measured = requestsPerSecond(Duration.ofMinutes(10));
    assertThat(measured).isLessThanOrEqualTo(bound(leases, Rig.LEASE));
    assertThat(measured)
        .as("no lease can be kept with fewer than one extension in half of it")
        .isGreaterThanOrEqualTo(leases / (double) BATCH / (Rig.LEASE.toSeconds() / 2.0) * 0.9);
    keeper.stop();
  }

  @Test
  void W1_aDeliveryThatThrows_doesNotCostTheOthersTheirLeases() {
    Delivery broken =
        (Delivery)
            Proxy.newProxyInstance(
                Delivery.class.getClassLoader(),
                new Class<?>[] {Delivery.class},
                (proxy, method, arguments) -> {
                  if (method.getReturnType() == String.class) {
                    return "broken";
                  }
                  throw new IllegalStateException("a bug in a backend: " + method.getName());
                });
    Run first = new Run(null, broken, Rig.LEASE, rig.time.nanoTime(), rig.time);
    assertThat(first.begin()).isTrue();
    runs.add(first);
    LeaseKeeper keeper = keeper(LeasePolicy.defaults());
    start(keeper, 20);
    rig.advanceInSteps(Rig.LEASE.multipliedBy(3), STEP);
    assertThat(runs.subList(1, 20)).noneMatch(run -> run.delivery().leaseRemaining().isZero());
    keeper.stop();
  }

  @Test
  void W1_extensionRequestsStayBelowTheBoundWithoutJitterToo() {
    int leases = 1_000;
    LeaseKeeper keeper = keeper(LeasePolicy.defaults().jitter(0));
    start(keeper, leases);
    assertThat(requestsPerSecond(Duration.ofMinutes(5)))
        .isLessThanOrEqualTo(bound(leases, Rig.LEASE));
    keeper.stop();
  }

  @Test
  void W1_leasesOfALongTypeAreStretchedAndNeedHalfTheRequests() {
    int leases = 1_000;
    for (int i = 0; i < HandlerTimes.ENOUGH; i++) {
      times.record(TYPE, Duration.ofMinutes(30).toNanos());
    }
    LeaseKeeper keeper = keeper(LeasePolicy.defaults().seed(7));
    start(keeper, leases);
    rig.advanceInSteps(Rig.LEASE, STEP);
    assertThat(requestsPerSecond(Duration.ofMinutes(10)))
        .isLessThanOrEqualTo(bound(leases, Rig.LEASE.multipliedBy(2)));
    assertThat(queue.longest).as("the bound of the policy").isEqualTo(Rig.LEASE.multipliedBy(2));
    keeper.stop();
  }

  @Test
  void L2_shortTypesAndThoseThatHangKeepTheLeaseOfTheQueue() {
    for (int i = 0; i < HandlerTimes.ENOUGH; i++) {
      times.record(TYPE, Duration.ofSeconds(40).toNanos());
    }
    LeaseKeeper keeper = keeper(LeasePolicy.defaults().stretch(4).jitter(0));
    start(keeper, 1);
    rig.advanceInSteps(Duration.ofSeconds(11), STEP);
    Duration first = queue.longest;
    // 10 s are gone of 40: the 30 s left are covered by a lease of which they are a third.
    assertThat(first).isEqualTo(Duration.ofSeconds(90));
    queue.longest = Duration.ZERO;
    rig.advanceInSteps(Duration.ofMinutes(5), STEP);
    assertThat(queue.longest).as("after its usual time").isEqualTo(Rig.LEASE);
    keeper.stop();
  }

  @Test
  void L2_aCrashOfStretchedWorkIsNoticedWithinTheStretchedLease() {
    for (int i = 0; i < HandlerTimes.ENOUGH; i++) {
      times.record(TYPE, Duration.ofMinutes(30).toNanos());
    }
    LeaseKeeper keeper = keeper(LeasePolicy.defaults().jitter(0));
    start(keeper, 1);
    rig.advanceInSteps(Duration.ofMinutes(5), STEP);
    keeper.stop();
    Duration bound = Rig.LEASE.multipliedBy(2).plus(queue.capabilities().lateness());
    rig.advance(bound);
    WorkQueue other = rig.queue;
    assertThat(other.poll(Duration.ZERO)).isPresent();
  }

  @Test
  void L4_aLossIsNoticedWithinAnIntervalOfTheQueuesLeaseHoweverLongTheLeaseIs() {
    for (int i = 0; i < HandlerTimes.ENOUGH; i++) {
      times.record(TYPE, Duration.ofMinutes(30).toNanos());
    }
    LeaseKeeper keeper = keeper(LeasePolicy.defaults().stretch(100).jitter(0));
    // Another object on the same queue, which goes away and takes its deliveries with it.
    queue.enqueue(Message.text("m").type(TYPE)).join().orThrow();
    Delivery delivery = queue.poll(Duration.ZERO).orElseThrow();
    Run run =
        new Run(
            null,
            delivery,
            keeper.granted(delivery.leaseRemaining()),
            rig.time.nanoTime(),
            rig.time);
    assertThat(run.begin()).isTrue();
    runs.add(run);
    rig.advanceInSteps(Duration.ofMinutes(1), STEP);
    assertThat(queue.longest).isEqualTo(Rig.LEASE.multipliedBy(100));
    CompletableFuture<Void> closed = CompletableFuture.runAsync(rig.queue::close);
    Rig.eventually("closing", () -> rig.time.pendingTimers() > 1);
    rig.advance(Duration.ofSeconds(10));
    closed.join();
    assertThat(delivery.isLost()).isTrue();
    rig.advance(Duration.ofSeconds(5));
    assertThat(run.knownLost()).isTrue();
    assertThat(Thread.interrupted()).as("the handler's thread was interrupted").isTrue();
    assertThat(counters.leaseLost.sum()).isEqualTo(1);
    keeper.stop();
  }
}
