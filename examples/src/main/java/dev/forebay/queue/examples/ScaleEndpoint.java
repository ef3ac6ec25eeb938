package dev.forebay.queue.examples;

import com.sun.net.httpserver.HttpServer;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.ScaleSignal;
import dev.forebay.queue.worker.Worker;
import java.io.IOException;
import java.net.InetAddress;
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
 * triggers:
 *   - type: metrics-api
 *     metricType: AverageValue
 *     metadata:
 *       url: "http://inference-worker:8080/scale"
 *       valueLocation: "desiredWorkers"
 *       targetValue: "1"
 * }</pre>
 */
public final class ScaleEndpoint implements AutoCloseable {

  private final HttpServer server;

  /** Serves {@code /scale} on this port, 0 for a free one. */
  ScaleEndpoint(Worker worker, Duration acceptableAge, int port) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.createContext(
        "/scale",
        exchange -> {
          byte[] body = json(worker, acceptableAge).getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  private static String json(Worker worker, Duration acceptableAge) {
    long backlog = worker.queue().depth().backlog();
    ScaleSignal signal = ScaleSignal.of(backlog, worker.stats(), acceptableAge, 1);
    return "{\"backlog\":%d,\"desiredWorkers\":%d,\"drainSeconds\":%d}"
        .formatted(backlog, signal.desiredWorkers(), signal.drain().toSeconds());
  }

  /** Where it listens. */
  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/scale");
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
        ScaleEndpoint endpoint = new ScaleEndpoint(worker, Duration.ofMillis(200), 0)) {
      for (int i = 0; i < 40; i++) {
        queue.enqueue(Message.text("prompt " + i));
      }
      System.out.println("busy: " + get(endpoint.uri()));
      while (queue.depth().backlog() > 0) {
        Thread.sleep(20);
      }
      System.out.println("idle: " + get(endpoint.uri()));
    }
  }

  private static String get(URI uri) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }
}
