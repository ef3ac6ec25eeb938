package dev.forebay.queue.testkit.server;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/**
 * An SQS server for tests: ElasticMQ inside this JVM, an endpoint from outside, or LocalStack in a
 * container.
 *
 * <p>{@link #shared()} is what most tests want: one server per JVM, started on first use. It looks
 * at these system properties:
 *
 * <ul>
 *   <li>{@code forebay.sqs.endpoint=http://host:port}: use that server; nothing is started and it
 *       cannot be stopped. With it {@code forebay.sqs.region} (default {@code us-east-1}), {@code
 *       forebay.sqs.accessKey} and {@code forebay.sqs.secretKey} (default {@code test}; an endpoint
 *       of AWS's own takes the SDK's default credentials instead).
 *   <li>{@code forebay.sqs=testcontainers}: run LocalStack in a container, if an engine runs and
 *       the image is already present (it is never pulled); else {@link ServerUnavailableException}.
 * </ul>
 *
 * <p>Without them ElasticMQ runs in this JVM. Its queues and messages survive {@link #stop()} and
 * {@link #restart()}. Where it differs from AWS, {@link dev.forebay.queue.testkit.fault.SqsFaults}
 * puts AWS's answers in front of it.
 *
 * <p>Safe for use by several threads, except {@link #stop()} and {@link #restart()}, which are for
 * one thread at a time.
 */
public final class EmbeddedSqs implements AutoCloseable {

  /** System property: endpoint of a server from outside. */
  public static final String ENDPOINT_PROPERTY = "forebay.sqs.endpoint";

  /** System property: region of the server from outside. */
  public static final String REGION_PROPERTY = "forebay.sqs.region";

  /** System property: access key for the server from outside. */
  public static final String ACCESS_KEY_PROPERTY = "forebay.sqs.accessKey";

  /** System property: secret key for the server from outside. */
  public static final String SECRET_KEY_PROPERTY = "forebay.sqs.secretKey";

  /** System property: {@code embedded} (default) or {@code testcontainers}. */
  public static final String KIND_PROPERTY = "forebay.sqs";

  private static final Duration ADMIN_TIMEOUT = Duration.ofSeconds(30);

  /** Long polls of many queues at once each hold a connection. */
  private static final int CONNECTIONS = 256;

  private static final Object SHARED_LOCK = new Object();
  private static @Nullable EmbeddedSqs shared;

  /** What stands behind the endpoint. */
  interface Server extends AutoCloseable {
    URI endpoint();

    String region();

    AwsCredentialsProvider credentials();

    boolean canStop();

    void stop();

    void restart();

    @Override
    void close();
  }

  private final Server server;
  private @Nullable SqsAsyncClient client;

  private EmbeddedSqs(Server server) {
    this.server = server;
  }

  /**
   * Returns the server of this JVM, starting it on first use; it ends with the JVM and must not be
   * closed by a test.
   *
   * @throws ServerUnavailableException if a container was asked for and cannot be had
   */
  public static EmbeddedSqs shared() {
    synchronized (SHARED_LOCK) {
      EmbeddedSqs result = shared;
      if (result == null) {
        result = fromSystemProperties();
        shared = result;
        Runtime.getRuntime().addShutdownHook(new Thread(result::close, "embedded-sqs-close"));
      }
      return result;
    }
  }

  private static EmbeddedSqs fromSystemProperties() {
    String endpoint = System.getProperty(ENDPOINT_PROPERTY, "");
    if (!endpoint.isBlank()) {
      URI address = URI.create(endpoint.trim());
      return new EmbeddedSqs(
          new OutsideServer(
              address,
              System.getProperty(REGION_PROPERTY, "us-east-1"),
              outsideCredentials(address)));
    }
    String kind = System.getProperty(KIND_PROPERTY, "embedded");
    return switch (kind) {
      case "testcontainers" -> new EmbeddedSqs(LocalStackServer.start());
      case "embedded", "" -> start();
      default ->
          throw new IllegalArgumentException(
              "system property "
                  + KIND_PROPERTY
                  + " must be \"embedded\" or \"testcontainers\", not \""
                  + kind
                  + "\"");
    };
  }

  /**
   * AWS's own endpoints get the SDK's default credentials: no property ever holds a real secret.
   */
  private static AwsCredentialsProvider outsideCredentials(URI endpoint) {
    String host = endpoint.getHost();
    if (host != null && (host.endsWith(".amazonaws.com") || host.endsWith(".amazonaws.com.cn"))) {
      return DefaultCredentialsProvider.builder().build();
    }
    return fixedCredentials(
        System.getProperty(ACCESS_KEY_PROPERTY, "test"),
        System.getProperty(SECRET_KEY_PROPERTY, "test"));
  }

  /**
   * Starts a server of its own inside this JVM; close it when done.
   *
   * @throws IllegalStateException if the server is not on the class path; the text says what to add
   */
  public static EmbeddedSqs start() {
    return MissingServer.orSay(
        "org.elasticmq:elasticmq-rest-sqs_2.13 and software.amazon.awssdk:netty-nio-client",
        () -> new EmbeddedSqs(ElasticMqServer.start()));
  }

  /** Returns the value for the client's endpoint override. */
  public URI endpoint() {
    return server.endpoint();
  }

  /** Returns the region clients sign for. */
  public Region region() {
    return Region.of(server.region());
  }

  /** Returns the credentials the server takes. */
  public AwsCredentialsProvider credentials() {
    return server.credentials();
  }

  /** The credentials of a key that is no secret. */
  static AwsCredentialsProvider fixedCredentials(String accessKey, String secretKey) {
    return StaticCredentialsProvider.create(AwsBasicCredentials.create(accessKey, secretKey));
  }

  /** Returns a client shared by all callers; {@link #close()} closes it. */
  public synchronized SqsAsyncClient client() {
    SqsAsyncClient result = client;
    if (result == null) {
      result = newClient();
      client = result;
    }
    return result;
  }

  /** Returns a new client with these interceptors, for the caller to close. */
  public SqsAsyncClient newClient(ExecutionInterceptor... interceptors) {
    return SqsAsyncClient.builder()
        .endpointOverride(endpoint())
        .region(region())
        .credentialsProvider(credentials())
        .httpClientBuilder(NettyNioAsyncHttpClient.builder().maxConcurrency(CONNECTIONS))
        .overrideConfiguration(
            config -> {
              for (ExecutionInterceptor interceptor : interceptors) {
                config.addExecutionInterceptor(interceptor);
              }
            })
        .build();
  }

  /** Creates a standard queue of a name nobody else uses, and returns its URL. */
  public String createQueue(String prefix) {
    return createQueue(prefix, Map.of());
  }

  /** Creates a standard queue of a name nobody else uses, and returns its URL. */
  public String createQueue(String prefix, Map<QueueAttributeName, String> attributes) {
    return create(unique(prefix), attributes);
  }

  /** Creates a FIFO queue of a name nobody else uses, and returns its URL. */
  public String createFifoQueue(String prefix) {
    return createFifoQueue(prefix, Map.of());
  }

  /** Creates a FIFO queue of a name nobody else uses, and returns its URL. */
  public String createFifoQueue(String prefix, Map<QueueAttributeName, String> attributes) {
    Map<QueueAttributeName, String> all = new LinkedHashMap<>(attributes);
    all.put(QueueAttributeName.FIFO_QUEUE, "true");
    return create(unique(prefix) + ".fifo", all);
  }

  /** Returns the attribute that sends messages to {@code deadLetterQueueUrl} after so many. */
  public Map<QueueAttributeName, String> redriveTo(String deadLetterQueueUrl, int maxReceives) {
    String arn =
        await(
                client()
                    .getQueueAttributes(
                        request ->
                            request
                                .queueUrl(deadLetterQueueUrl)
                                .attributeNames(QueueAttributeName.QUEUE_ARN)))
            .attributes()
            .get(QueueAttributeName.QUEUE_ARN);
    return Map.of(
        QueueAttributeName.REDRIVE_POLICY,
        "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":" + maxReceives + "}");
  }

  /** Deletes a queue. */
  public void deleteQueue(String queueUrl) {
    await(client().deleteQueue(request -> request.queueUrl(queueUrl)));
  }

  /** Whether {@link #stop()} and {@link #restart()} can be used. */
  public boolean canStop() {
    return server.canStop();
  }

  /**
   * Takes the server off the network: open connections are cut, new ones refused. Queues and
   * messages stay, and leases run on.
   *
   * @throws UnsupportedOperationException if the server does not run inside this JVM
   */
  public void stop() {
    server.stop();
  }

  /**
   * Puts the stopped server back on the same port.
   *
   * @throws UnsupportedOperationException if the server does not run inside this JVM
   */
  public void restart() {
    server.restart();
  }

  /** Closes the shared client and, if it was started here, the server. */
  @Override
  public synchronized void close() {
    if (client != null) {
      client.close();
      client = null;
    }
    server.close();
  }

  private String create(String name, Map<QueueAttributeName, String> attributes) {
    return await(client().createQueue(request -> request.queueName(name).attributes(attributes)))
        .queueUrl();
  }

  private static String unique(String prefix) {
    return prefix + "-" + UUID.randomUUID().toString().substring(0, 13);
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(ADMIN_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the SQS server was asked", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("the SQS server did not do what a test asked for", e);
    }
  }

  /** A server somebody else runs. */
  private record OutsideServer(URI endpoint, String region, AwsCredentialsProvider credentials)
      implements Server {

    @Override
    public boolean canStop() {
      return false;
    }

    @Override
    public void stop() {
      throw new UnsupportedOperationException("a server from outside cannot be stopped here");
    }

    @Override
    public void restart() {
      throw new UnsupportedOperationException("a server from outside cannot be started here");
    }

    @Override
    public void close() {}
  }
}
