package dev.forebay.queue.examples;

import com.sun.net.httpserver.HttpServer;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.ScaleInProtection;
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
import java.util.concurrent.CountDownLatch;

/**
 * How do I keep the autoscaler from taking away a worker in the middle of a long job?
 *
 * <p>Tell it when there is something in hand and when there has been nothing for a while. Here it
 * is Amazon ECS, whose agent listens in each container at {@code $ECS_AGENT_URI}; for Kubernetes
 * set the annotation {@code controller.kubernetes.io/pod-deletion-cost} of the pod instead. A call
 * that fails is made again, and work waits for none.
 */
public final class ScaleIn implements ScaleInProtection {

  private final HttpClient client = HttpClient.newHttpClient();
  private final URI agent;

  ScaleIn(URI agent) {
    this.agent = agent;
  }

  @Override
  public void changed(boolean busy) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(agent.resolve("/task-protection/v1/state"))
            .timeout(Duration.ofSeconds(5))
            .header("Content-Type", "application/json")
            .PUT(HttpRequest.BodyPublishers.ofString("{\"ProtectionEnabled\":" + busy + "}"))
            .build();
    int status = client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    if (status != 200) {
      throw new IOException("The agent answered " + status + "."); // it is told again
    }
  }

  /** Runs two jobs, one soon after the other, beside what plays the agent. */
  public static void main(String[] args) throws Exception {
    CountDownLatch calls = new CountDownLatch(2);
    HttpServer agent =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    agent.createContext(
        "/task-protection/v1/state",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          System.out.println("agent: " + new String(body, StandardCharsets.UTF_8));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
          calls.countDown();
        });
    agent.start();
    URI uri = URI.create("http://127.0.0.1:" + agent.getAddress().getPort());
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build();
        Worker worker =
            Worker.builder(queue)
                .scaleInProtection(new ScaleIn(uri), Duration.ofSeconds(1))
                .handler((delivery, context) -> Thread.sleep(100)) // stands for a long job
                .start()) {
      queue.enqueue(Message.text("a job"));
      queue.enqueue(Message.text("another job"));
      calls.await();
      System.out.println("jobs done: " + worker.stats().handled());
    } finally {
      agent.stop(0);
    }
  }
}
