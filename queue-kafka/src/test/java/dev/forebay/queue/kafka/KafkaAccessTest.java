package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.ShareRig.SOON;
import static dev.forebay.queue.kafka.ShareRig.take;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A cluster with logins and ACLs: what docs/security.md grants is enough, less says what lacks. */
class KafkaAccessTest {

  private static final String PASSWORD = "canary-password-5f1c";
  private static final Duration LEASE = Duration.ofSeconds(10);

  /** A permission, as the documentation lists it. */
  private record Grant(ResourceType type, String name, AclOperation operation) {}

  private static EmbeddedKafka kafka;

  @BeforeAll
  static void start() {
    kafka = EmbeddedKafka.builder().users(Map.of("worker", PASSWORD)).start();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  /** A worker's permissions on a topic, its dead letters and its group. */
  private static List<Grant> worker(String topic) {
    List<Grant> grants = new ArrayList<>();
    for (AclOperation operation :
        EnumSet.of(AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS)) {
      grants.add(new Grant(ResourceType.TOPIC, topic, operation));
    }
    for (AclOperation operation : EnumSet.of(AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS)) {
      grants.add(new Grant(ResourceType.TOPIC, topic + ".dlq", operation));
    }
    for (AclOperation operation : EnumSet.of(AclOperation.READ, AclOperation.ALTER_CONFIGS)) {
      grants.add(new Grant(ResourceType.GROUP, "forebay-" + topic, operation));
    }
    return grants;
  }

  private static void grantOnly(Collection<Grant> grants) throws Exception {
    kafka.admin().deleteAcls(List.of(AclBindingFilter.ANY)).all().get(30, TimeUnit.SECONDS);
    List<AclBinding> bindings =
        grants.stream()
            .map(
                grant ->
                    new AclBinding(
                        new ResourcePattern(grant.type, grant.name, PatternType.LITERAL),
                        new AccessControlEntry(
                            "User:worker", "*", grant.operation, AclPermissionType.ALLOW)))
            .toList();
    kafka.admin().createAcls(bindings).all().get(30, TimeUnit.SECONDS);
    await()
        .atMost(SOON)
        .until(
            () ->
                kafka.admin().describeAcls(AclBindingFilter.ANY).values().get().size()
                    == bindings.size());
  }

  private static Map<String, Object> login(String password) {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("bootstrap.servers", kafka.securedBootstrapServers());
    properties.put("security.protocol", "SASL_PLAINTEXT");
    properties.put("sasl.mechanism", "PLAIN");
    properties.put(
        "sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"worker\""
            + " password=\""
            + password
            + "\";");
    return properties;
  }

  private static void topics(String topic) {
    kafka.createTopic(topic, 1);
    kafka.createTopic(topic + ".dlq", 1);
  }

  private static KafkaShareBuilder builder(String topic) {
    return KafkaWorkQueue.shared(login(PASSWORD), topic)
        .withoutDelays()
        .lease(LEASE)
        .grace(Duration.ofSeconds(2))
        .answerWithin(Duration.ofSeconds(20));
  }

  private static void worksThroughout(KafkaWorkQueue queue) throws Exception {
    for (String text : List.of("done", "dead")) {
      queue.enqueue(Message.text(text)).get(30, TimeUnit.SECONDS).orThrow();
      Delivery delivery = take(queue);
      assertThat(
              text.equals("done")
                  ? delivery.ack().join()
                  : delivery.deadLetter(new DeadLetterCause("Boom", "broke")).join())
          .isEqualTo(Settlement.OK);
    }
    await().atMost(SOON).until(() -> queue.depth().visible().orElse(-1) == 0);
  }

  @Test
  void workersPermissions_areEnough_andEachIsNeeded() throws Exception {
    String topic = "granted";
    topics(topic);
    List<Grant> all = worker(topic);
    grantOnly(all);
    try (KafkaWorkQueue queue = builder(topic).build()) {
      worksThroughout(queue);
    }
    for (Grant missing : all) {
      List<Grant> rest = new ArrayList<>(all);
      rest.remove(missing);
      grantOnly(rest);
      // Only what is not set yet has to be set.
      Duration lease =
          missing.operation == AclOperation.ALTER_CONFIGS ? LEASE.plusSeconds(1) : LEASE;
      assertThat(catchThrowable(() -> builder(topic).lease(lease).build().close()))
          .as("without %s", missing)
          .isInstanceOfSatisfying(
              QueueException.class,
              e -> {
                assertThat(e.code()).as("without %s", missing).isEqualTo(ErrorCode.ACCESS_DENIED);
                assertThat(e.getMessage())
                    .as("without %s", missing)
                    .contains(missing.operation.name(), missing.name)
                    .containsIgnoringCase("grant")
                    .doesNotContain(PASSWORD);
              });
    }
    // Set up once, the group need only be looked at.
    all.removeIf(grant -> grant.operation == AclOperation.ALTER_CONFIGS);
    all.add(new Grant(ResourceType.GROUP, "forebay-" + topic, AclOperation.DESCRIBE_CONFIGS));
    grantOnly(all);
    builder(topic).build().close();
  }

  @Test
  void keyedWorkersPermissions_areEnough() throws Exception {
    String topic = "granted-keyed";
    String group = "forebay-keyed-" + topic;
    topics(topic);
    List<Grant> grants = new ArrayList<>(worker(topic));
    grants.removeIf(grant -> grant.type == ResourceType.GROUP);
    grants.add(new Grant(ResourceType.GROUP, group, AclOperation.READ));
    grantOnly(grants);
    KafkaKeyedBuilder builder =
        KafkaWorkQueue.keyed(login(PASSWORD), topic)
            .withoutDelays()
            .grace(Duration.ofSeconds(2))
            .answerWithin(Duration.ofSeconds(20));
    assertThat(catchThrowable(() -> builder.build().close()))
        .isInstanceOfSatisfying(
            QueueException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED);
              assertThat(e.getMessage()).contains("DESCRIBE_CONFIGS", group);
            });
    grants.add(new Grant(ResourceType.GROUP, group, AclOperation.DESCRIBE_CONFIGS));
    grantOnly(grants);
    try (KafkaWorkQueue queue = builder.build()) {
      worksThroughout(queue);
    }
  }

  @Test
  void wrongPassword_isDenied_andNotRepeatedInTheText() {
    topics("password");
    assertThatThrownBy(
            () ->
                KafkaWorkQueue.shared(login("wrong-canary-77"), "password")
                    .answerWithin(Duration.ofSeconds(20))
                    .build())
        .isInstanceOfSatisfying(
            QueueException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED);
              assertThat(e.getMessage()).contains("login").doesNotContain("canary");
            });
  }

  @Test
  void credentialsAndContents_areInNoLogLine_noExceptionAndNoText() throws Exception {
    String topic = "secrets";
    topics(topic);
    grantOnly(worker(topic));
    String body = "canary-body-9a2e";
    String header = "canary-header-1d47";
    try (Lines lines = new Lines("dev.forebay", "org.apache.kafka.clients")) {
      List<String> texts = new ArrayList<>();
      try (KafkaWorkQueue queue = builder(topic).build()) {
        Message message = Message.text(body).header("h", header);
        for (int i = 0; i < 2; i++) {
          queue.enqueue(message).get(30, TimeUnit.SECONDS).orThrow();
          Delivery delivery = take(queue);
          texts.add(delivery.toString());
          texts.add(((ShareDelivery) delivery).held().toString());
          assertThat(
                  i == 0
                      ? delivery.ack().join()
                      : delivery.deadLetter(new DeadLetterCause("Boom", "broke")).join())
              .isEqualTo(Settlement.OK);
        }
        // Undecodable, so that it is logged.
        KafkaRawRecords raw = new KafkaRawRecords(kafka);
        var broken = new ProducerRecord<byte[], byte[]>(topic, KafkaRawRecords.utf8(body));
        broken.headers().add("forebay-attempts", KafkaRawRecords.utf8(header));
        raw.put(broken);
        await()
            .atMost(SOON)
            .until(
                () -> {
                  queue.poll(1, Duration.ofMillis(200));
                  return queue.undecodable() == 1;
                });
        texts.add(queue.toString());
        texts.add(message.toString());
        texts.add(
            queue
                .enqueue(Message.text(body.repeat(100_000)).header("h", header))
                .get(30, TimeUnit.SECONDS)
                .toString());
      }
      assertThat(lines.of("dev.forebay")).isNotEmpty();
      assertThat(lines.of("org.apache.kafka.clients")).hasSizeGreaterThan(100);
      assertThat(lines.all()).noneMatch(line -> line.contains("canary-"));
      assertThat(texts).noneMatch(text -> text.contains("canary-"));
    }
  }

  /** Every line of some loggers at TRACE. */
  private static final class Lines extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private final Map<Logger, Level> before = new LinkedHashMap<>();
    private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();

    Lines(String... loggers) {
      start();
      for (String name : loggers) {
        Logger logger = (Logger) LoggerFactory.getLogger(name);
        before.put(logger, logger.getLevel());
        logger.setLevel(Level.TRACE);
        logger.setAdditive(false);
        logger.addAppender(this);
      }
    }

    @Override
    protected void append(ILoggingEvent event) {
      IThrowableProxy thrown = event.getThrowableProxy();
      lines.add(
          event.getLoggerName()
              + ": "
              + event.getFormattedMessage()
              + (thrown == null ? "" : ThrowableProxyUtil.asString(thrown)));
    }

    List<String> all() {
      return List.copyOf(lines);
    }

    List<String> of(String prefix) {
      return lines.stream().filter(line -> line.startsWith(prefix)).toList();
    }

    @Override
    public void close() {
      before.forEach(
          (logger, level) -> {
            logger.detachAppender(this);
            logger.setLevel(level);
            logger.setAdditive(true);
          });
    }
  }
}
