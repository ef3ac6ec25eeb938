package dev.forebay.queue.cli;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaKeyedBuilder;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import java.io.IOException;
import java.io.Reader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsAsyncClientBuilder;

/** Which queue: the options every command has. Not thread-safe. */
final class Where {

  /** A name only: nothing polls, so nobody joins it. */
  private static final String GROUP = "forebay-deadletters";

  /** What was enqueued is flushed before that; nothing else is under way. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  /** What the queue lives on. */
  enum Backend {
    SQS,
    KAFKA
  }

  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec spec;

  @Option(
      names = "--backend",
      required = true,
      paramLabel = "sqs|kafka",
      description = "What the queue lives on.")
  private @Nullable Backend backend;

  @Option(names = "--queue-url", paramLabel = "URL", description = "SQS: the queue's URL.")
  private @Nullable String queueUrl;

  @Option(
      names = "--dead-letter-queue-url",
      paramLabel = "URL",
      description = "SQS: its dead-letter queue; by default the target of its redrive policy.")
  private @Nullable String deadLetterQueueUrl;

  @Option(
      names = "--region",
      paramLabel = "REGION",
      description = "SQS: the region; by default as the AWS SDK finds it.")
  private @Nullable String region;

  @Option(
      names = "--endpoint",
      paramLabel = "URI",
      description = "SQS: another endpoint than AWS's, such as an emulator's.")
  private @Nullable URI endpoint;

  @Option(
      names = "--bootstrap",
      paramLabel = "HOST:PORT",
      description = "Kafka: brokers to ask first, with commas between.")
  private @Nullable String bootstrap;

  @Option(
      names = "--topic",
      paramLabel = "TOPIC",
      description = "Kafka: the queue's topic, in either mode.")
  private @Nullable String topic;

  @Option(
      names = "--dead-letter-topic",
      paramLabel = "TOPIC",
      description = "Kafka: its dead-letter topic; TOPIC.dlq by default.")
  private @Nullable String deadLetterTopic;

  @Option(
      names = "--group",
      paramLabel = "GROUP",
      description =
          "Kafka: only what died in this group, to be brought back for it alone; by default what"
              + " died in any, to be brought back for all.")
  private @Nullable String group;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Kafka: a file of client properties, for TLS and SASL.")
  private @Nullable Path config;

  /** A queue and the client behind it, which are closed together. */
  record Opened(WorkQueue queue, AutoCloseable client) implements AutoCloseable {
    @Override
    public void close() {
      queue.close();
      try {
        client.close();
      } catch (Exception e) {
        throw new IllegalStateException("The client could not be closed", e);
      }
    }
  }

  /**
   * Opens the queue.
   *
   * @throws ParameterException when an option is missing or has no place here
   * @throws dev.forebay.queue.QueueException when the queue cannot be opened
   */
  Opened open() {
    if (backend == Backend.SQS) {
      refuse("--bootstrap", bootstrap);
      refuse("--topic", topic);
      refuse("--dead-letter-topic", deadLetterTopic);
      refuse("--group", group);
      refuse("--config", config);
      return sqs(need("--queue-url", queueUrl));
    }
    refuse("--queue-url", queueUrl);
    refuse("--dead-letter-queue-url", deadLetterQueueUrl);
    refuse("--region", region);
    refuse("--endpoint", endpoint);
    String queueTopic = need("--topic", topic);
    return kafka(properties(), queueTopic);
  }

  private Opened sqs(String url) {
    SqsAsyncClientBuilder clientBuilder = SqsAsyncClient.builder();
    if (region != null) {
      clientBuilder.region(Region.of(region));
    } else if (endpoint != null) {
      clientBuilder.region(Region.US_EAST_1);
    }
    if (endpoint != null) {
      if (endpoint.getScheme() == null || endpoint.getHost() == null) {
        throw wrong("--endpoint needs a scheme and a host, such as http://localhost:9324");
      }
      clientBuilder.endpointOverride(endpoint);
    }
    SqsAsyncClient client;
    try {
      client = clientBuilder.build();
    } catch (SdkClientException e) {
      // Its own text goes through every place it looked in.
      throw wrong("The AWS SDK finds no region: give --region or set AWS_REGION");
    }
    try {
      SqsWorkQueue.Builder builder = SqsWorkQueue.builder(client, url).grace(GRACE);
      if (deadLetterQueueUrl != null) {
        builder.deadLetterQueueUrl(deadLetterQueueUrl);
      }
      return new Opened(builder.build(), client);
    } catch (RuntimeException e) {
      client.close();
      throw e;
    }
  }

  private Opened kafka(Properties properties, String queueTopic) {
    // The dead letters of both modes are the same. This one asks nothing of the cluster but topics:
    // no share groups, and with the classic protocol no right to look at a group.
    properties.putIfAbsent("group.protocol", "classic");
    KafkaKeyedBuilder builder =
        KafkaWorkQueue.keyed(properties, queueTopic).grace(GRACE).withoutDelays();
    if (group == null) {
      builder.group(GROUP).deadLettersOfEveryGroup();
    } else {
      builder.group(group);
    }
    if (deadLetterTopic != null) {
      builder.deadLetters(deadLetterTopic);
    }
    return new Opened(builder.build(), () -> {});
  }

  private Properties properties() {
    Properties properties = new Properties();
    if (config != null) {
      try (Reader reader = Files.newBufferedReader(config, StandardCharsets.UTF_8)) {
        properties.load(reader);
      } catch (IOException | IllegalArgumentException e) {
        throw wrong("--config: cannot read the properties file '" + config + "'");
      }
    }
    if (bootstrap != null) {
      properties.setProperty("bootstrap.servers", bootstrap);
    }
    if (!properties.containsKey("bootstrap.servers")) {
      throw wrong("--backend kafka needs --bootstrap, or bootstrap.servers in the --config file");
    }
    return properties;
  }

  private <T> T need(String option, @Nullable T value) {
    if (value == null) {
      throw wrong(name() + " needs " + option);
    }
    return value;
  }

  private void refuse(String option, @Nullable Object value) {
    if (value != null) {
      throw wrong(option + " has no meaning with " + name());
    }
  }

  private String name() {
    return "--backend " + String.valueOf(backend).toLowerCase(Locale.ROOT);
  }

  /** A wrong option, reported in one line. */
  ParameterException wrong(String text) {
    if (spec == null) {
      throw new IllegalStateException("Options are read before they are used.");
    }
    return new ParameterException(spec.commandLine(), text);
  }
}
