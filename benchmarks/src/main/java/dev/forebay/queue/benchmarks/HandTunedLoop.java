package dev.forebay.queue.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;

/**
 * A loop as somebody writes it who knows SQS well: receives into free slots, deletes in batches of
 * ten, extends in batches at a third of the visibility, gives late arrivals back when it stops.
 */
final class HandTunedLoop implements SqsContender {

  private static final Logger LOG = LoggerFactory.getLogger(HandTunedLoop.class);
  private static final long STOP_SECONDS = 60;
  private static final long DELETE_LINGER_MILLIS = 5;
  private static final long SLOTS_LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final SqsClient client;

  HandTunedLoop(SqsClient client) {
    this.client = client;
  }

  @Override
  public void send(String queueUrl, List<String> bodies) {
    SqsBatches.send(client, queueUrl, bodies);
  }

  @Override
  public Consumer start(Consumption consumption) {
    return new Running(client, consumption);
  }

  @Override
  public void close() {
    client.close();
  }

  private static final class Running implements Consumer {

    private final SqsClient client;
    private final Consumption consumption;
    private final Semaphore free;
    private final Set<String> held = ConcurrentHashMap.newKeySet();
    private final LinkedBlockingQueue<String> done = new LinkedBlockingQueue<>();
    private final ExecutorService handlers;
    private final ScheduledExecutorService extender = Executors.newScheduledThreadPool(1);
    private final Thread receiver = new Thread(this::receive, "hand-tuned-receive");
    private final Thread deleter = new Thread(this::delete, "hand-tuned-delete");
    private volatile boolean stopping;
    private volatile boolean handled;

    Running(SqsClient client, Consumption consumption) {
      this.client = client;
      this.consumption = consumption;
      free = new Semaphore(consumption.slots());
      handlers = Executors.newFixedThreadPool(consumption.slots());
      long third = consumption.visibility().toMillis() / 3;
      extender.scheduleAtFixedRate(this::extend, third, third, TimeUnit.MILLISECONDS);
      receiver.start();
      deleter.start();
    }

    private void receive() {
      try {
        receiveUntilStopped();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void receiveUntilStopped() throws InterruptedException {
      while (!stopping) {
        int room = takeFreeSlots();
        List<Message> received =
            client
                .receiveMessage(
                    request ->
                        request
                            .queueUrl(consumption.queueUrl())
                            .maxNumberOfMessages(room)
                            .waitTimeSeconds((int) consumption.longPoll().toSeconds()))
                .messages();
        if (stopping) {
          SqsBatches.changeVisibility(
              client,
              consumption.queueUrl(),
              received.stream().map(Message::receiptHandle).toList(),
              0);
          return;
        }
        free.release(room - received.size());
        for (Message message : received) {
          held.add(message.receiptHandle());
          handlers.execute(() -> handle(message));
        }
      }
    }

    /** Waits a moment for more than one, so that quick handlers cost fewer requests. */
    private int takeFreeSlots() throws InterruptedException {
      free.acquire();
      int most = Math.min(SqsBatches.SIZE, consumption.slots());
      long deadline = System.nanoTime() + SLOTS_LINGER_NANOS;
      int room = 1;
      while (room < most && free.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        room++;
      }
      return room;
    }

    private void handle(Message message) {
      try {
        consumption.handler().handle(message.body());
        done.add(message.receiptHandle());
      } catch (Exception e) {
        LOG.warn("A handler failed", e);
      } finally {
        held.remove(message.receiptHandle());
        free.release();
      }
    }

    private void delete() {
      List<String> batch = new ArrayList<>();
      try {
        while (!(handled && done.isEmpty())) {
          String first = done.poll(DELETE_LINGER_MILLIS, TimeUnit.MILLISECONDS);
          long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(DELETE_LINGER_MILLIS);
          for (String next = first;
              next != null;
              next =
                  batch.size() == SqsBatches.SIZE
                      ? null
                      : done.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            batch.add(next);
          }
          SqsBatches.delete(client, consumption.queueUrl(), batch);
          batch.clear();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void extend() {
      List<String> receipts = new ArrayList<>(held);
      int seconds = (int) consumption.visibility().toSeconds();
      for (int from = 0; from < receipts.size(); from += SqsBatches.SIZE) {
        int to = Math.min(receipts.size(), from + SqsBatches.SIZE);
        SqsBatches.changeVisibility(
            client, consumption.queueUrl(), receipts.subList(from, to), seconds);
      }
    }

    @Override
    public void stop() throws InterruptedException {
      stopping = true;
      receiver.join(TimeUnit.SECONDS.toMillis(STOP_SECONDS));
      handlers.shutdown();
      handlers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
      handled = true;
      deleter.join(TimeUnit.SECONDS.toMillis(STOP_SECONDS));
      extender.shutdownNow();
    }
  }
}
