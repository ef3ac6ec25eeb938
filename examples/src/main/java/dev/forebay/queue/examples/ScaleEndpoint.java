package dev.forebay.queue.examples;

import com.sun.net.httpserver.HttpServer;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.ScaleSignal;
import dev.forebay.queue.worker.Worker;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * How does KEDA know how many workers there should be?
 *
 * <p>Ask the worker: the backlog divided by what one worker gets through in the time that a message
 * may wait. This endpoint says so in JSON, for KEDA's metrics-api scaler:
 *
 * <pre>{@code
 * apiVersion: keda.sh/v1alpha1
 * kind: ScaledObject
 * metadata:
 *   name: inference-worker
 * spec:
 *   scaleTargetRef:
 *     name: inference-worker
 *   minReplicaCount: 1
 *   maxReplicaCount: 50
 *   triggers:
 *     - type: metrics-api
 *       metricType: AverageValue
 *       metadata:
 *         url: "http://inference-worker:8080/scale"
 *         valueLocation: "desiredWorkers"
 *         targetValue: "1"
 * }</pre>
 *
 * <p>At least one replica stays: with the last worker this endpoint would be gone, and nobody left
 * to tell KEDA that there is work again. To scale to zero ask the broker instead, by KEDA's scaler
 * for SQS or Kafka.
 *
 * <p>The address is that of a service in front of the pods, so listen on the port of the pod's
 * address, {@code new InetSocketAddress(8080)}, and not on the loopback address only.
 */
public final class ScaleEndpoint implements AutoCloseable {

  private final HttpServer server;

  /** Serves {@code /scale} at this address; port 0 is a free one. */
  ScaleEndpoint(Worker worker, Duration acceptableAge, InetSocketAddress address)
      throws IOException {
    server = HttpServer.create(address, 0);
    server.createContext(
        "/scale",
        exchange -> {
          int status = 200;
          byte[] body = {};
          try {
            body = json(worker, acceptableAge).getBytes(StandardCharsets.UTF_8);
          } catch (QueueException e) {
            status = 503; // the broker is away: KEDA keeps what there is
          }
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  private static String json(Worker worker, Duration acceptableAge) {
    long backlog = 0;
    for (WorkQueue queue : worker.queues()) { // several with lanes
      backlog += queue.depth().backlog();
    }
    ScaleSignal signal = ScaleSignal.of(backlog, worker.stats(), acceptableAge, 1);
    return "{\"backlog\":%d,\"desiredWorkers\":%d,\"drainSeconds\":%d}"
        .formatted(backlog, signal.desiredWorkers(), signal.drain().toSeconds());
  }

  /** Where it listens. */
  InetSocketAddress address() {
    return server.getAddress();
  }

  @Override
  public void close() {
    server.stop(0);
  }

  /** Asks once with messages waiting and once without. */
  public static void main(String[] args) throws Exception {
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build();
        Worker worker =
            Worker.builder(queue)
                .handler((delivery, context) -> Thread.sleep(50)) // stands for a model's answer
                .start();
        ScaleEndpoint endpoint =
            new ScaleEndpoint(worker, Duration.ofMillis(200), new InetSocketAddress(0))) {
      URI uri = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/scale");
      for (int i = 0; i < 40; i++) {
        queue.enqueue(Message.text("prompt " + i));
      }
      System.out.println("busy: " + get(uri));
      while (queue.depth().backlog() > 0) {
        Thread.sleep(20);
      }
      System.out.println("idle: " + get(uri));
    }
  }

  private static String get(URI uri) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }
}
