package dev.forebay.queue.testkit.server;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka cluster for tests: one or three brokers inside this JVM, an endpoint from outside, or a
 * container.
 *
 * <p>{@link #shared()} is what most tests want: one cluster per JVM, started on first use. It looks
 * at three system properties:
 *
 * <ul>
 *   <li>{@code forebay.kafka.bootstrap=host:port,...}: use that cluster; nothing is started, nodes
 *       cannot be stopped. Leases below its {@code group.share.min.record.lock.duration.ms} (15 s
 *       by default) are refused there.
 *   <li>{@code forebay.kafka=testcontainers}: run {@code apache/kafka} in a container, if an engine
 *       runs and the image is already present (it is never pulled); else {@link
 *       ServerUnavailableException}.
 *   <li>{@code forebay.kafka.nodes=3}: three brokers inside this JVM instead of one.
 * </ul>
 *
 * <p>Without them the brokers run in this JVM, with test-friendly settings: record locks from one
 * second up, share-group members that join within a second, no topic created by accident.
 *
 * <p>Safe for use by several threads, except {@link #stopNode} and {@link #startNode}, which are
 * for one thread at a time.
 */
public final class EmbeddedKafka implements AutoCloseable {

  /** System property: bootstrap servers of a cluster from outside. */
  public static final String BOOTSTRAP_PROPERTY = "forebay.kafka.bootstrap";

  /** System property: how many brokers inside this JVM are shared, 1 (default) or 3. */
  public static final String NODES_PROPERTY = "forebay.kafka.nodes";

  /** System property: {@code embedded} (default) or {@code testcontainers}. */
  public static final String KIND_PROPERTY = "forebay.kafka";

  private static final Duration ADMIN_TIMEOUT = Duration.ofSeconds(30);

  private static final Object SHARED_LOCK = new Object();
  private static @Nullable EmbeddedKafka shared;

  /** What stands behind the bootstrap address. */
  interface Cluster extends AutoCloseable {
    String bootstrapServers();

    String securedBootstrapServers();

    int size();

    void stop(int node);

    void start(int node);

    @Override
    void close();
  }

  private final Cluster cluster;
  private @Nullable Admin admin;

  private EmbeddedKafka(Cluster cluster) {
    this.cluster = cluster;
  }

  /**
   * Returns the cluster of this JVM, starting it on first use; it ends with the JVM and must not be
   * closed by a test.
   *
   * @throws ServerUnavailableException if a container was asked for and cannot be had
   */
  public static EmbeddedKafka shared() {
    synchronized (SHARED_LOCK) {
      EmbeddedKafka result = shared;
      if (result == null) {
        result = fromSystemProperties();
        shared = result;
        Runtime.getRuntime().addShutdownHook(new Thread(result::close, "embedded-kafka-close"));
      }
      return result;
    }
  }

  private static EmbeddedKafka fromSystemProperties() {
    String bootstrap = System.getProperty(BOOTSTRAP_PROPERTY, "");
    if (!bootstrap.isBlank()) {
      return new EmbeddedKafka(new OutsideCluster(bootstrap));
    }
    String kind = System.getProperty(KIND_PROPERTY, "embedded");
    return switch (kind) {
      case "testcontainers" -> new EmbeddedKafka(KafkaContainerCluster.start());
      case "embedded", "" -> start(Integer.getInteger(NODES_PROPERTY, 1));
      default ->
          throw new IllegalArgumentException(
              "system property "
                  + KIND_PROPERTY
                  + " must be \"embedded\" or \"testcontainers\", not \""
                  + kind
                  + "\"");
    };
  }

  /** Returns a builder for a cluster of its own inside this JVM. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts {@code nodes} brokers (1 or 3) inside this JVM; close them when done. */
  public static EmbeddedKafka start(int nodes) {
    return builder().nodes(nodes).start();
  }

  /** Returns the value for the client property {@code bootstrap.servers}. */
  public String bootstrapServers() {
    return cluster.bootstrapServers();
  }

  /**
   * Returns the bootstrap servers of the listener that asks for a login; see {@link Builder#users}.
   *
   * @throws UnsupportedOperationException if the cluster has no such listener
   */
  public String securedBootstrapServers() {
    return cluster.securedBootstrapServers();
  }

  /** Returns the client properties that reach this cluster; add to the (mutable) map at will. */
  public Map<String, Object> clientProperties() {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("bootstrap.servers", bootstrapServers());
    return properties;
  }

  /** Returns how many nodes {@link #stopNode} can choose from; 0 when they are not ours to stop. */
  public int nodes() {
    return cluster.size();
  }

  /**
   * Stops node {@code node} (from 0) in an orderly way and returns when it is down; its data stays.
   *
   * @throws UnsupportedOperationException if the cluster does not run inside this JVM
   */
  public void stopNode(int node) {
    cluster.stop(node);
  }

  /**
   * Starts node {@code node} again, on the same port and data, and returns when it serves.
   *
   * @throws UnsupportedOperationException if the cluster does not run inside this JVM
   */
  public void startNode(int node) {
    cluster.start(node);
  }

  /** Returns an admin client of this cluster; it is closed with the cluster. */
  public synchronized Admin admin() {
    Admin result = admin;
    if (result == null) {
      result = Admin.create(clientProperties());
      admin = result;
    }
    return result;
  }

  /**
   * Creates a topic, replicated to every node that runs (at most three times); does nothing if it
   * exists.
   *
   * @throws IllegalStateException if the cluster refuses or does not answer within 30 s
   */
  public void createTopic(String name, int partitions) {
    createTopic(name, partitions, Map.of());
  }

  /**
   * Creates a topic with the given topic configs, replicated to every node that runs (at most three
   * times); does nothing if it exists.
   *
   * @throws IllegalStateException if the cluster refuses or does not answer within 30 s
   */
  public void createTopic(String name, int partitions, Map<String, String> configs) {
    int replicas = Math.max(1, Math.min(3, cluster.size()));
    while (!createTopic(name, partitions, configs, (short) replicas)) {
      replicas--;
    }
    awaitLeaders(name, partitions);
  }

  /** Whether enough nodes run for so many replicas. */
  private boolean createTopic(
      String name, int partitions, Map<String, String> configs, short replicas) {
    NewTopic topic = new NewTopic(name, partitions, replicas).configs(configs);
    try {
      get(admin().createTopics(List.of(topic)).all());
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InvalidReplicationFactorException && replicas > 1) {
        return false;
      }
      if (!(e.getCause() instanceof TopicExistsException)) {
        throw new IllegalStateException("cannot create topic " + name, e.getCause());
      }
    }
    return true;
  }

  /**
   * Asks the cluster to delete these topics, as far as they exist, and does not wait for it: what
   * many tests leave behind would slow down the later ones.
   */
  public void deleteTopics(String... names) {
    admin().deleteTopics(List.of(names));
  }

  /** The controller has the topic at once, each broker a moment later. */
  private void awaitLeaders(String name, int partitions) {
    Awaitility.await("leaders of topic " + name)
        .atMost(ADMIN_TIMEOUT)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> {
              try {
                TopicDescription found =
                    get(admin().describeTopics(List.of(name)).allTopicNames()).get(name);
                return found != null
                    && found.partitions().size() >= partitions
                    && found.partitions().stream().allMatch(info -> info.leader() != null);
              } catch (ExecutionException e) {
                if (e.getCause() instanceof RetriableException) {
                  return false;
                }
                throw e;
              }
            });
  }

  private static <T> T get(KafkaFuture<T> answer) throws ExecutionException {
    try {
      return answer.get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer from the cluster within " + ADMIN_TIMEOUT, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the cluster", e);
    }
  }

  /** Stops what was started and deletes its data; an outside cluster is left as it is. */
  @Override
  public void close() {
    synchronized (this) {
      Admin open = admin;
      if (open != null) {
        open.close(Duration.ofSeconds(1));
        admin = null;
      }
    }
    cluster.close();
  }

  /** Options of a cluster inside this JVM. Not safe for several threads. */
  public static final class Builder {
    private int nodes = 1;
    private final Map<String, String> properties = new LinkedHashMap<>();
    private final Map<String, String> users = new LinkedHashMap<>();
    private boolean shareGroups = true;

    private Builder() {}

    /** Sets the number of brokers: 1 (default) or 3. */
    public Builder nodes(int count) {
      if (count != 1 && count != 3) {
        throw new IllegalArgumentException("nodes must be 1 or 3, not " + count);
      }
      this.nodes = count;
      return this;
    }

    /** Sets a broker property, over the default of this class. */
    public Builder property(String name, String value) {
      properties.put(name, value);
      return this;
    }

    /**
     * Opens a second listener, {@link EmbeddedKafka#securedBootstrapServers()}, where clients log
     * in by SASL/PLAIN as one of these users (name to password). They may do nothing until an ACL
     * allows it; clients of the first listener may do everything.
     */
    public Builder users(Map<String, String> passwords) {
      users.putAll(passwords);
      return this;
    }

    /** Switches share groups off, as on a cluster whose {@code share.version} is 0. */
    public Builder withoutShareGroups() {
      this.shareGroups = false;
      return this;
    }

    /**
     * Starts the brokers and returns when they serve.
     *
     * @throws IllegalStateException if the server is not on the class path; the text says what to
     *     add
     */
    public EmbeddedKafka start() {
      return MissingServer.orSay(
          "org.apache.kafka: kafka_2.13, kafka-server, kafka-metadata and kafka-server-common",
          () ->
              new EmbeddedKafka(
                  new KafkaNodes(nodes, Map.copyOf(properties), Map.copyOf(users), shareGroups)));
    }
  }

  /** A cluster somebody else runs. */
  private record OutsideCluster(String bootstrapServers) implements Cluster {
    @Override
    public String securedBootstrapServers() {
      throw new UnsupportedOperationException("no listener with a login is known");
    }

    @Override
    public int size() {
      return 0;
    }

    @Override
    public void stop(int node) {
      throw new UnsupportedOperationException(
          "the cluster at " + bootstrapServers + " is not ours to stop");
    }

    @Override
    public void start(int node) {
      throw new UnsupportedOperationException(
          "the cluster at " + bootstrapServers + " is not ours to start");
    }

    @Override
    public void close() {}
  }
}
