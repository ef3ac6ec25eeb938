package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.ShareRig.SOON;
import static dev.forebay.queue.kafka.ShareRig.fill;
import static dev.forebay.queue.kafka.ShareRig.take;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Settings of a share group that brokers or other processes want otherwise. */
class ShareGroupSettingsTest {

  @Test
  void lowerDeliveryMaximumOfTheBrokers_isFollowed_andAttemptsCountOnBeyondIt() throws Exception {
    try (EmbeddedKafka kafka =
            EmbeddedKafka.builder().property("group.share.max.delivery.count.limit", "6").start();
        ShareRig rig = ShareRig.on(kafka, 1)) {
      KafkaWorkQueue queue = rig.queue(Duration.ofSeconds(30));
      fill(queue, 1);
      for (int attempt = 1; attempt <= 9; attempt++) {
        Delivery delivery = take(queue);
        assertThat(delivery.attempt()).isEqualTo(attempt);
        assertThat(delivery.release(Duration.ZERO).join()).isEqualTo(Settlement.OK);
      }
      assertThat(take(queue).ack().join()).isEqualTo(Settlement.OK);
      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(rig.groupConfig().get("share.delivery.count.limit").value())
                      .isEqualTo("6"));
    }
  }

  @Test
  void anotherLeaseForMembersAtWork_isLogged_andTheSameOneIsNot() throws Exception {
    ShareRig rig = ShareRig.withPartitions(1);
    String about = "Share group " + rig.group + ":";
    List<String> warnings = new CopyOnWriteArrayList<>();
    AppenderBase<ILoggingEvent> listener =
        new AppenderBase<>() {
          @Override
          protected void append(ILoggingEvent event) {
            // Other tests run beside this one.
            String line = event.getFormattedMessage();
            if (event.getLevel() == Level.WARN && line.startsWith(about)) {
              warnings.add(line);
            }
          }
        };
    Logger logger = (Logger) LoggerFactory.getLogger(ShareGroupSettings.class);
    listener.start();
    logger.addAppender(listener);
    try (rig) {
      KafkaWorkQueue first = rig.queue(Duration.ofSeconds(12));
      fill(first, 1);
      Delivery held = take(first);
      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(rig.groupConfig().get("share.record.lock.duration.ms").value())
                      .isEqualTo("12000"));
      assertThat(rig.queue(Duration.ofSeconds(12)).name()).isEqualTo(rig.topic);
      assertThat(warnings).isEmpty();
      assertThat(rig.queue(Duration.ofSeconds(7)).name()).isEqualTo(rig.topic);
      assertThat(warnings).hasSize(1);
      assertThat(warnings.get(0)).contains("was 12000 ms and is 7000 ms", "same lease");
      assertThat(held.ack().join()).isEqualTo(Settlement.OK);
    } finally {
      logger.detachAppender(listener);
    }
  }
}
