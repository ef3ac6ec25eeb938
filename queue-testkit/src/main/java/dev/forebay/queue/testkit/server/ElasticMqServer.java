package dev.forebay.queue.testkit.server;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.Props;
import org.elasticmq.StrictSQSLimits$;
import org.elasticmq.actor.QueueManagerActor;
import org.elasticmq.rest.sqs.SQSRestServer;
import org.elasticmq.rest.sqs.SQSRestServerBuilder;
import org.elasticmq.util.NowProvider;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.concurrent.Await;
import scala.concurrent.Awaitable;
import scala.concurrent.duration.Duration;
import scala.concurrent.duration.FiniteDuration;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;

/**
 * ElasticMQ inside this JVM.
 *
 * <p>The queues live in an actor system of our own, beside the HTTP server: so they survive a stop
 * and restart of the server, as those of the real service survive an outage.
 */
final class ElasticMqServer implements EmbeddedSqs.Server {

  private static final String HOST = "127.0.0.1";
  private static final String REGION = "us-east-1";

  /** Quiet, on daemon threads, and with time for a long poll of 20 s. */
  private static final String SETTINGS =
      """
      pekko.loglevel = OFF
      pekko.stdout-loglevel = OFF
      pekko.log-dead-letters = off
      pekko.log-dead-letters-during-shutdown = off
      pekko.daemonic = on
      pekko.jvm-exit-on-fatal-error = off
      pekko.http.server.request-timeout = 40 s
      pekko.http.server.idle-timeout = 60 s
      pekko.http.server.max-connections = 4096
      """;

  /** An outage cuts connections; it does not wait for the long polls on them. */
  private static final FiniteDuration CUT = Duration.apply(20, TimeUnit.MILLISECONDS);

  private static final FiniteDuration BOUND = Duration.apply(30, TimeUnit.SECONDS);

  private final ActorSystem actors;
  private final ActorRef queues;
  private final int port;
  private @Nullable SQSRestServer running;

  private ElasticMqServer(ActorSystem actors, ActorRef queues) {
    this.actors = actors;
    this.queues = queues;
    SQSRestServer server = serve(0);
    this.running = server;
    this.port = server.waitUntilStarted().localAddress().getPort();
  }

  static ElasticMqServer start() {
    Config config = ConfigFactory.parseString(SETTINGS).withFallback(ConfigFactory.load());
    ActorSystem actors = ActorSystem.create("embedded-sqs", config);
    ActorRef queues =
        actors.actorOf(
            Props.create(
                QueueManagerActor.class,
                () ->
                    new QueueManagerActor(
                        new NowProvider(), StrictSQSLimits$.MODULE$, Option.empty())));
    return new ElasticMqServer(actors, queues);
  }

  private SQSRestServer serve(int onPort) {
    SQSRestServer server =
        SQSRestServerBuilder.withActorSystem(actors)
            .withQueueManagerActor(queues)
            .withInterface(HOST)
            .withPort(onPort)
            .withAWSRegion(REGION)
            .start();
    server.waitUntilStarted();
    return server;
  }

  @Override
  public URI endpoint() {
    return URI.create("http://" + HOST + ":" + port);
  }

  @Override
  public String region() {
    return REGION;
  }

  @Override
  public AwsCredentialsProvider credentials() {
    return EmbeddedSqs.fixedCredentials("test", "test");
  }

  @Override
  public boolean canStop() {
    return true;
  }

  @Override
  public void stop() {
    SQSRestServer server = running;
    if (server != null) {
      running = null;
      await(server.waitUntilStarted().terminate(CUT));
    }
  }

  @Override
  public void restart() {
    if (running == null) {
      running = serve(port);
    }
  }

  @Override
  public void close() {
    stop();
    await(actors.terminate());
  }

  private static void await(Awaitable<?> future) {
    try {
      Await.result(future, BOUND);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException e) {
      throw new IllegalStateException("ElasticMQ did not stop in time", e);
    }
  }
}
