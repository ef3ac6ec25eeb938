package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.ShareRig.SOON;
import static dev.forebay.queue.kafka.ShareRig.take;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What is wrong with the cluster or with a message, beyond the contract's own rules S2 and E3: each
 * gives an error that says what to do, and loses nothing.
 */
class KafkaBadInputTest {

  /** How long the broker stays away. */
  private static final int OUTAGE_SECONDS = 30;

  @Test
  void shareGroupsOff_failsTheBuild_withTheCommandThatSwitchesThemOn() {
    try (EmbeddedKafka kafka = EmbeddedKafka.builder().withoutShareGroups().start()) {
      kafka.createTopic("jobs", 1);
      assertThatThrownBy(
              () ->
                  KafkaWorkQueue.shared(kafka.clientProperties(), "jobs")
                      .withoutDeadLetters()
                      .withoutDelays()
                      .build())
          .isInstanceOfSatisfying(
              QueueException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.MISCONFIGURED);
                assertThat(e.getMessage())
                    .contains("Share groups are off", "kafka-features.sh", "share.version=1");
              });
    }
  }

  @Test
  void messageThatTheTopicNoLongerTakes_isRefusedForGood_andBlocksNothing() throws Exception {
    try (ShareRig rig = ShareRig.withPartitions(1)) {
      KafkaWorkQueue queue = rig.queue(Duration.ofSeconds(10));
      rig.kafka
          .admin()
          .incrementalAlterConfigs(
              Map.of(
                  new ConfigResource(ConfigResource.Type.TOPIC, rig.topic),
                  List.of(
                      new AlterConfigOp(
                          new ConfigEntry("max.message.bytes", "2000"), AlterConfigOp.OpType.SET))))
          .all()
          .get(30, TimeUnit.SECONDS);
      EnqueueOutcome[] outcome = new EnqueueOutcome[1];
      // The broker takes the new limit a moment after it has been set.
      Awaitility.await()
          .atMost(SOON)
          .until(
              () -> {
                outcome[0] =
                    queue.enqueue(Message.text("x".repeat(5_000))).get(30, TimeUnit.SECONDS);
                return outcome[0] instanceof EnqueueOutcome.Failed;
              });
      assertThat(outcome[0])
          .isInstanceOfSatisfying(
              EnqueueOutcome.Failed.class,
              failed -> {
                assertThat(failed.code()).isEqualTo(ErrorCode.INVALID_MESSAGE);
                assertThat(failed.retryable()).isFalse();
              });
      String id = queue.enqueue(Message.text("small")).get(30, TimeUnit.SECONDS).orThrow();
      while (true) {
        var delivery = take(queue);
        assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
        if (delivery.id().equals(id)) {
          break;
        }
      }
    }
  }

  @Test
  @Timeout(300)
  void brokerGoneInTheMiddle_isWaitedFor_andNothingIsLost() throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(1);
        ShareRig rig = ShareRig.on(kafka, 2)) {
      KafkaWorkQueue queue = rig.queue(Duration.ofSeconds(10));
      Map<String, AtomicInteger> handled = new ConcurrentHashMap<>();
      Set<String> stored = new HashSet<>();
      List<CompletableFuture<EnqueueOutcome>> during = new ArrayList<>();
      ExecutorService producers = Executors.newCachedThreadPool();
      ShareRig.fill(queue, 1);
      assertThat(take(queue).ack().join()).isEqualTo(Settlement.OK);
      for (int i = 0; i < 40; i++) {
        stored.add(queue.enqueue(Message.text("before")).get(30, TimeUnit.SECONDS).orThrow());
      }
      Worker worker =
          Worker.builder(queue)
              .slots(4)
              .handler(
                  (delivery, context) -> {
                    handled
                        .computeIfAbsent(delivery.id(), id -> new AtomicInteger())
                        .incrementAndGet();
                    new CompletableFuture<Void>()
                        .completeOnTimeout(null, 200, TimeUnit.MILLISECONDS)
                        .join();
                  })
              .start();
      try {
        Awaitility.await().atMost(SOON).until(() -> handled.size() >= 8);
        kafka.stopNode(0);
        for (int second = 0; second < OUTAGE_SECONDS; second++) {
          // Each may hold its caller for max.block.ms, and must not prolong the outage.
          during.add(
              CompletableFuture.supplyAsync(() -> queue.enqueue(Message.text("during")), producers)
                  .thenCompose(outcome -> outcome));
          new CompletableFuture<Void>().completeOnTimeout(null, 1, TimeUnit.SECONDS).join();
        }
        kafka.startNode(0);
        stored.add(queue.enqueue(Message.text("after")).get(90, TimeUnit.SECONDS).orThrow());
        for (CompletableFuture<EnqueueOutcome> each : during) {
          if (each.get(120, TimeUnit.SECONDS) instanceof EnqueueOutcome.Enqueued enqueued) {
            stored.add(enqueued.id());
          }
        }
        Awaitility.await()
            .atMost(Duration.ofSeconds(120))
            .untilAsserted(() -> assertThat(handled.keySet()).containsAll(stored));
      } finally {
        worker.close();
        producers.shutdownNow();
      }
      // Only what was in hand when the broker went may have run twice.
      long twice = handled.values().stream().filter(each -> each.get() > 1).count();
      assertThat(twice).isLessThanOrEqualTo(8);
    }
  }
}
