package dev.forebay.queue.kafka;

import static java.util.stream.Collectors.joining;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;

/**
 * What a queue asks the brokers beside records, whatever its mode: the checks of {@code build()} on
 * topics (S2), settings, and how any question is asked. Every question ends within the caller's
 * time-out; errors say what to do about them. What the modes ask is in {@link ShareAdmin} and
 * {@link KeyedAdmin}. Thread-safe.
 */
final class BrokerAdmin implements AutoCloseable {

  /** Two seconds: far more than a broker needs that is well. */
  private static final int LOOKS = 40;

  private static final long LOOK_NANOS = 50_000_000;

  private final Admin admin;
  private final String where;
  private final Duration timeout;

  BrokerAdmin(ClientProperties properties, Duration timeout) {
    this.where = properties.bootstrapServers();
    this.timeout = timeout;
    try {
      this.admin = Admin.create(properties.admin((int) timeout.toMillis()));
    } catch (KafkaException e) {
      Throwable root = e.getCause() == null ? e : e.getCause();
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "No Kafka client for " + where + ": " + root.getMessage() + ". Check the properties.",
          e);
    }
  }

  Admin client() {
    return admin;
  }

  /** Where the brokers are, for messages to people. */
  String where() {
    return where;
  }

  /** As {@link #checkTopic(String, Set, String, String)}, for a topic like any other. */
  int checkTopic(String topic, Set<AclOperation> needed) {
    return checkTopic(topic, needed, "--partitions N", "");
  }

  /**
   * Checks that a topic exists and that the client may use it so.
   *
   * @param options how to create it if it does not, as options of kafka-topics.sh
   * @param advice what else there is to do then
   * @return the largest record batch in bytes that the topic takes
   */
  int checkTopic(String topic, Set<AclOperation> needed, String options, String advice) {
    TopicDescription description =
        askOfTopic(
                () ->
                    admin
                        .describeTopics(
                            List.of(topic),
                            new DescribeTopicsOptions().includeAuthorizedOperations(true))
                        .allTopicNames(),
                "describe the topic " + topic,
                "A name has letters, digits, '.', '_' and '-'. Create the topic: kafka-topics.sh"
                    + " --create --topic "
                    + topic
                    + " "
                    + options
                    + " --bootstrap-server "
                    + where
                    + "."
                    + advice,
                "Grant "
                    + needed.stream().sorted().map(AclOperation::name).collect(joining(" and "))
                    + " on the topic.")
            .get(topic);
    // A cluster without an authorizer tells no operations.
    Set<AclOperation> allowed = description == null ? null : description.authorizedOperations();
    if (allowed != null && !allowed.isEmpty()) {
      for (AclOperation operation : needed) {
        if (!allowed.contains(operation)) {
          throw new QueueException(
              ErrorCode.ACCESS_DENIED,
              "No permission for " + operation + " on the topic " + topic + ". Grant it.");
        }
      }
    }
    Config config = config(ConfigResource.Type.TOPIC, topic);
    ConfigEntry limit = config.get("max.message.bytes");
    return limit == null || limit.value() == null ? 1024 * 1024 : Integer.parseInt(limit.value());
  }

  /** The settings of a topic or group. */
  Config config(ConfigResource.Type type, String name) {
    ConfigResource resource = new ConfigResource(type, name);
    Config config =
        askOfTopic(
                () -> admin.describeConfigs(List.of(resource)).all(),
                "read the settings of " + type + " " + name,
                "",
                type == ConfigResource.Type.GROUP
                    ? "Grant ALTER_CONFIGS on it; DESCRIBE_CONFIGS is enough once its settings are"
                        + " right."
                    : "Grant DESCRIBE_CONFIGS on it.")
            .get(resource);
    return config == null ? new Config(List.of()) : config;
  }

  /**
   * As {@link #ask}, and asks again for a while when the answer is that there is no such topic:
   * each broker learns of a new one a moment after the controller, and any of them may answer.
   */
  <T> T askOfTopic(Supplier<Future<T>> question, String purpose, String advice, String grant) {
    for (int look = 1; ; look++) {
      try {
        return ask(question.get(), purpose, advice, grant);
      } catch (QueueException e) {
        if (e.code() != ErrorCode.NOT_FOUND || look >= LOOKS) {
          throw e;
        }
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  /** Waits for an answer; what goes wrong says what to do about it. */
  <T> T ask(Future<T> answer, String purpose, String advice, String grant) {
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw refused(KafkaErrors.unwrap(e), purpose, advice, grant);
    } catch (TimeoutException | InterruptException e) {
      throw refused(e, purpose, advice, grant);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw refused(e, purpose, advice, grant);
    }
  }

  private QueueException refused(Throwable error, String purpose, String advice, String grant) {
    ErrorCode code =
        error instanceof InterruptedException || error instanceof InterruptException
            ? ErrorCode.UNAVAILABLE
            : KafkaErrors.code(error);
    String todo =
        switch (code) {
          case ACCESS_DENIED ->
              error instanceof AuthenticationException
                  ? "The login was refused: check the security settings (security.protocol, sasl.*,"
                      + " ssl.*)."
                  : grant;
          case UNAVAILABLE ->
              "No answer within "
                  + timeout
                  + ". Check bootstrap.servers, the network, the security settings, and that the"
                  + " cluster is up.";
          default -> advice;
        };
    @Nullable String said = error.getMessage();
    return new QueueException(
        code,
        "Kafka at "
            + where
            + ": cannot "
            + purpose
            + ". "
            + todo
            + (said == null ? "" : " The answer was: " + said),
        error);
  }

  @Override
  public void close() {
    admin.close(Duration.ofMillis(500));
  }
}
