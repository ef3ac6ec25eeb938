package dev.forebay.queue.kafka;

import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Delays on a topic of their own; see {@link DelayClasses} and {@link DelayForwarder}. Thread-safe.
 *
 * <p>Delays belong to the topic, not to a group of workers: the forwarders of all groups are one
 * group, and a message that is due is written once. What one group released carries that group's
 * name, and the others settle it unseen.
 */
final class TopicDelays implements Delays {

  private final DelayTopic topic;
  private final Enqueuer enqueuer;
  private final ClientProperties properties;
  private final BrokerAdmin admin;
  private final TimeSource time;

  private volatile boolean started;
  private boolean stopped;
  private @Nullable DelayForwarder forwarder;

  TopicDelays(
      DelayTopic topic,
      Enqueuer enqueuer,
      ClientProperties properties,
      BrokerAdmin admin,
      TimeSource time) {
    this.topic = topic;
    this.enqueuer = enqueuer;
    this.properties = properties;
    this.admin = admin;
    this.time = time;
  }

  @Override
  public Duration longest() {
    return DelayClasses.LONGEST;
  }

  @Override
  public CompletableFuture<Void> store(Envelope envelope, Copy copy, long notBefore) {
    return enqueuer.send(topic.first(envelope, copy, notBefore, time.now().toEpochMilli()));
  }

  @Override
  public void start() {
    if (!started) {
      startOnce();
    }
  }

  private synchronized void startOnce() {
    if (started || stopped) {
      return;
    }
    started = true;
    String clientId = properties.clientId() + "-delays";
    DelayForwarder created =
        new DelayForwarder(
            topic,
            () -> new KafkaConsumer<>(properties.delays(topic.group(), clientId)),
            enqueuer::send,
            admin.client(),
            time);
    forwarder = created;
    created.start();
  }

  @Override
  public OptionalLong waiting() {
    return OptionalLong.of(QueueTopics.waiting(admin, topic));
  }

  @Override
  public void stop() {
    DelayForwarder running = running();
    if (running != null) {
      running.stop();
    }
  }

  private synchronized @Nullable DelayForwarder running() {
    stopped = true;
    return forwarder;
  }

  @Override
  public void close(Duration within) {
    DelayForwarder running = running();
    if (running != null) {
      running.close(within);
    }
  }
}
