package dev.forebay.queue.testkit.server;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.internals.Exit;
import org.apache.kafka.metadata.storage.Formatter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * KRaft nodes inside this JVM, each broker and controller in one, on ports of the loopback address.
 *
 * <p>Kafka has no public class for this (its own test kit needs a jar that is not published), so
 * this formats a directory and starts the server class as {@code kafka-server-start} does. Ports
 * are probed beforehand because every node must know all controllers before it starts; if another
 * process takes one in between, the start is tried again with new ports.
 */
final class KafkaNodes implements EmbeddedKafka.Cluster {

  private static final Logger log = LoggerFactory.getLogger(KafkaNodes.class);
  private static final int START_ATTEMPTS = 3;
  private static final Duration ORDERLY_STOP = Duration.ofSeconds(5);
  private static final Duration FORCED_STOP = Duration.ofSeconds(15);

  static {
    // A broker that cannot go on, for one because its port was taken, ends its process: here that
    // of the tests.
    Exit.setExitProcedure(KafkaNodes::refuseToExit);
    Exit.setHaltProcedure(KafkaNodes::refuseToExit);
  }

  private final int size;
  private final Map<String, String> extraProperties;
  private final Map<String, String> users;
  private final boolean shareGroups;

  private final @Nullable KafkaRaftServer[] servers;
  private Path directory = Path.of("");
  private int[] ports = {};

  KafkaNodes(
      int size,
      Map<String, String> extraProperties,
      Map<String, String> users,
      boolean shareGroups) {
    this.size = size;
    this.extraProperties = extraProperties;
    this.users = users;
    this.shareGroups = shareGroups;
    this.servers = new @Nullable KafkaRaftServer[size];
    startAll();
  }

  private static void refuseToExit(int code, @Nullable String message) {
    String what = "An embedded Kafka node would have ended the JVM with code " + code;
    IllegalStateException instead =
        new IllegalStateException(message == null ? what : what + ": " + message);
    log.error("{}; the node is of no use any more", what, instead);
    throw instead;
  }

  private void startAll() {
    for (int attempt = 1; ; attempt++) {
      try {
        directory = Files.createTempDirectory("embedded-kafka");
        // Per node: a port for clients, one for controllers, one for clients that log in.
        ports = Ports.free(3 * size);
        String clusterId = Uuid.randomUuid().toString();
        for (int node = 0; node < size; node++) {
          format(node, clusterId);
        }
        // At once: a node is up only when a quorum of controllers is.
        ExecutorService starters = Executors.newFixedThreadPool(size);
        try {
          CompletableFuture<?>[] starts =
              IntStream.range(0, size)
                  .mapToObj(node -> CompletableFuture.runAsync(() -> start(node), starters))
                  .toArray(CompletableFuture<?>[]::new);
          CompletableFuture.allOf(starts).join();
        } finally {
          starters.shutdown();
        }
        return;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (CompletionException e) {
        close();
        if (attempt >= START_ATTEMPTS) {
          throw new IllegalStateException(
              "the embedded Kafka cluster does not start", e.getCause());
        }
        log.warn("embedded Kafka did not start, trying again on other ports", e.getCause());
      }
    }
  }

  private void format(int node, String clusterId) {
    Formatter formatter =
        new Formatter()
            .setNodeId(node)
            .setClusterId(clusterId)
            .setUnstableFeatureVersionsEnabled(false)
            .setIgnoreFormatted(false)
            .setControllerListenerName("CONTROLLER")
            .setMetadataLogDirectory(nodeDirectory(node))
            .addDirectory(nodeDirectory(node))
            .setPrintStream(
                new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8));
    if (!shareGroups) {
      formatter.setFeatureLevel("share.version", (short) 0);
    }
    try {
      formatter.run();
    } catch (Exception e) {
      throw new IllegalStateException("cannot format the directory of Kafka node " + node, e);
    }
  }

  private String nodeDirectory(int node) {
    return directory.resolve("node-" + node).toString();
  }

  private int clientPort(int node) {
    return ports[node];
  }

  private int controllerPort(int node) {
    return ports[size + node];
  }

  private int securedPort(int node) {
    return ports[2 * size + node];
  }

  private Properties properties(int node) {
    Properties p = new Properties();
    p.setProperty("process.roles", "broker,controller");
    p.setProperty("node.id", Integer.toString(node));
    p.setProperty(
        "controller.quorum.voters",
        IntStream.range(0, size)
            .mapToObj(n -> n + "@127.0.0.1:" + controllerPort(n))
            .collect(Collectors.joining(",")));
    p.setProperty("controller.listener.names", "CONTROLLER");
    p.setProperty("inter.broker.listener.name", "INNER");
    String clientListeners = "INNER://127.0.0.1:" + clientPort(node);
    if (!users.isEmpty()) {
      clientListeners += ",SECURED://127.0.0.1:" + securedPort(node);
      secure(p);
    }
    p.setProperty("listeners", clientListeners + ",CONTROLLER://127.0.0.1:" + controllerPort(node));
    p.setProperty("advertised.listeners", clientListeners);
    p.setProperty(
        "listener.security.protocol.map",
        "INNER:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_PLAINTEXT");
    p.setProperty("log.dirs", nodeDirectory(node));
    p.setProperty("auto.create.topics.enable", "false");
    if (size == 1) {
      // A busy machine stalls for longer than the 9 s after which the controller would take the
      // partitions of the only node away. Among several the default stays: a node that was stopped
      // may come back only when its old session has ended.
      p.setProperty("broker.session.timeout.ms", "60000");
    }

    // Internal topics: the defaults want three brokers and fifty partitions.
    String replicas = size < 3 ? "1" : "3";
    String minInSync = size < 3 ? "1" : "2";
    for (String topic : List.of("share.coordinator.state.topic", "transaction.state.log")) {
      p.setProperty(topic + ".replication.factor", replicas);
      p.setProperty(topic + ".min.isr", minInSync);
      p.setProperty(topic + ".num.partitions", "3");
    }
    p.setProperty("offsets.topic.replication.factor", replicas);
    p.setProperty("offsets.topic.num.partitions", "3");

    // Tests want short leases, and members that join at once: with the defaults the first record
    // of a share group comes 5.5 s after subscribe.
    p.setProperty("group.share.min.record.lock.duration.ms", "1000");
    p.setProperty("group.share.heartbeat.interval.ms", "500");
    p.setProperty("group.share.min.heartbeat.interval.ms", "500");
    p.setProperty("group.share.assignment.interval.ms", "0");
    p.setProperty("group.consumer.heartbeat.interval.ms", "500");
    p.setProperty("group.consumer.min.heartbeat.interval.ms", "500");
    p.setProperty("group.initial.rebalance.delay.ms", "0");
    extraProperties.forEach(p::setProperty);
    return p;
  }

  private void secure(Properties p) {
    String entries =
        users.entrySet().stream()
            .map(user -> " user_" + user.getKey() + "=\"" + user.getValue() + "\"")
            .collect(Collectors.joining());
    p.setProperty("sasl.enabled.mechanisms", "PLAIN");
    p.setProperty(
        "listener.name.secured.plain.sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required" + entries + ";");
    p.setProperty(
        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    // Nodes among themselves, and clients of the inner listener.
    p.setProperty("super.users", "User:ANONYMOUS");
  }

  @Override
  public String bootstrapServers() {
    return IntStream.range(0, size)
        .mapToObj(node -> "127.0.0.1:" + clientPort(node))
        .collect(Collectors.joining(","));
  }

  @Override
  public String securedBootstrapServers() {
    if (users.isEmpty()) {
      throw new UnsupportedOperationException("start the cluster with users to have a login");
    }
    return IntStream.range(0, size)
        .mapToObj(node -> "127.0.0.1:" + securedPort(node))
        .collect(Collectors.joining(","));
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void start(int node) {
    synchronized (servers) {
      if (servers[node] != null) {
        throw new IllegalStateException("Kafka node " + node + " runs already");
      }
    }
    KafkaRaftServer server =
        new KafkaRaftServer(KafkaConfig.fromProps(properties(node)), Time.SYSTEM);
    synchronized (servers) {
      servers[node] = server;
    }
    server.startup();
  }

  @Override
  public void stop(int node) {
    KafkaRaftServer server;
    synchronized (servers) {
      server = servers[node];
      servers[node] = null;
    }
    if (server == null) {
      throw new IllegalStateException("Kafka node " + node + " does not run");
    }
    server.shutdown();
    server.awaitShutdown();
  }

  /**
   * Stops all nodes at once. One after the other would leave the last ones without a quorum of
   * controllers, and a broker then waits five minutes for leave to go; a node that lost that race
   * is told to go on by an interrupt.
   */
  @Override
  public void close() {
    List<Thread> stopping = new ArrayList<>();
    for (int node = 0; node < size; node++) {
      int which = node;
      boolean runs;
      synchronized (servers) {
        runs = servers[node] != null;
      }
      if (runs) {
        Thread thread = new Thread(() -> stop(which), "embedded-kafka-stop-" + node);
        thread.start();
        stopping.add(thread);
      }
    }
    try {
      for (Thread thread : stopping) {
        thread.join(ORDERLY_STOP.toMillis());
        thread.interrupt();
      }
      for (Thread thread : stopping) {
        thread.join(FORCED_STOP.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    deleteFiles();
  }

  private void deleteFiles() {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      log.warn("cannot delete the data of the embedded Kafka cluster", e);
    }
  }
}
